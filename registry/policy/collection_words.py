"""Words by which a consent's own text gives away that it says no, or accepts something else as well. Pure.

A program cannot judge a text; it finds the usual wordings in our four languages, and a person judges the rest.
"""

import re

_DENYING = {
    "en": r"\bI (do not|don.t|no longer) (want|wish|agree|consent)|\b(do not|don.t) (send|e-?mail|write|call)"
    r"|\bopt[- ]?out|\buntick|\buncheck|\bunsubscribe",
    "lv": r"\b(nevēlos|nepiekrītu|neļauju|atsakos|nesūt|izņemiet|noņemiet)",
    "pl": r"\bnie (chcę|wyrażam|zgadzam|życzę|przesyłajcie|wysyłajcie)|\b(odznacz|rezygnuję|sprzeciwiam)",
    "ru": r"\bне (хочу|желаю|согласен|согласна|даю|соглашаюсь|присылайте)|\b(отказываюсь|снимите|уберите)",
}
_BUNDLED = {
    "en": r"\bterms (and|&) conditions|\bterms of|\bthe terms\b|\bprivacy (policy|notice)|\bof (legal )?age\b"
    r"|\b(\d\d|sixteen|eighteen) years|\bover (16|18)\b",
    "lv": r"\bnoteikum|\bprivātuma|\bpilngadīg|\bgad(us|i|u) vec|\bvecumu\b",
    "pl": r"\bregulamin|\bwarunki (umowy|użytkowania|sprzedaży)|\bpolityk\w* prywatności|\bukończy|\bpełnoletni",
    "ru": r"\bправила\b|\bправилами\b|\bуслови(я|ями)\b|\bполитик\w* конфиденциальности|\bсовершеннолет|\bисполнилось",
}
# At the beginning of an answer or a label, whatever follows.
_AGREEING = {"en": "yes", "lv": "jā", "pl": "tak", "ru": "да", "de": "ja"}
_REFUSING = {"en": "no", "lv": "nē", "pl": "nie", "ru": "нет", "de": "nein"}
_DENIES = {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in _DENYING.items()}
_BUNDLES = {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in _BUNDLED.items()}


def _beginning(words: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {locale: re.compile(rf"^\W*{word}\b", re.IGNORECASE) for locale, word in words.items()}


_AGREES, _REFUSES = _beginning(_AGREEING), _beginning(_REFUSING)


def agreeing(text: str, locale: str) -> str | None:
    """The word by which the text begins with a yes, or None; a language that we do not know has none."""
    return _found(_AGREES, text, locale)


def denying(text: str, locale: str) -> str | None:
    """The words by which the text says no, or with which it begins so, or None; an unknown language has none."""
    return _found(_REFUSES, text, locale) or _found(_DENIES, text, locale)


def bundling(text: str, locale: str) -> str | None:
    """The words by which the text accepts terms or confirms an age as well (GDPR art. 7(2)), or None."""
    return _found(_BUNDLES, text, locale)


def _found(patterns: dict[str, re.Pattern[str]], text: str, locale: str) -> str | None:
    found = patterns[locale].search(text) if locale in patterns else None
    return found[0] if found else None
