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
_AGE = r"1[3-8]"
_BUNDLED = {
    "en": r"\bterms (and|&) conditions|\bterms of|\bthe terms\b|\bT ?(&|and) ?Cs?\b|\bTs (&|and) Cs\b"
    r"|\bconditions of (sale|use|purchase|business|service|participation|contract)"
    r"|\bprivacy (policy|notice|statement)|\bof (legal )?age\b|\b(\d\d|sixteen|eighteen) years"
    rf"|\b(over|above|aged|older than) {_AGE}\b|\b{_AGE}\+|\b{_AGE} (or|and) (over|older|above)\b"
    rf"|\bat least {_AGE}\b(?! *(%|€|euro|times|letters|e-?mails|messages))"
    r"|\b(pass|shar|transfer|disclos|forward|s[eo]ld|sell)\w* (\w+ ){0,4}(to|with) (\w+ ){0,3}"
    r"(partner|third part|other compan|others)",
    "lv": r"\bnoteikum|\bnosacījum|\bprivātuma|\bpilngadīg|\bgad(us|i|u) vec|\bvecumu\b"
    rf"|\bvismaz {_AGE}\b(?! *(%|€|eiro|reiz|vēstul))|\b{_AGE}\+|\b{_AGE} gad|\bnodo\w+ (\w+ ){{0,4}}(partner|treš)",
    "pl": r"\bregulamin|\b(ogóln\w+ )?warunk(i|ami|ów|om) (umowy|użytkowania|sprzedaży|ogóln|świadczenia|zakupu)"
    r"|\bogóln\w+ warunk|\bOWS\b|\b(polityk|oświadczeni)\w* (o )?prywatności|\bukończy|\bpełnoletni"
    rf"|\b(co najmniej|powyżej) {_AGE}\b(?! *(%|zł|euro|razy|list|wiadomości))|\b{_AGE}\+|\b{_AGE} lat\b"
    r"|\b(przekaz|udostępni)\w+ (\w+ ){0,4}(partner|podmiot|osobom trzecim|innym firm)",
    "ru": r"\bправила\b|\bправилами\b|\bуслови(я|ями|й|ям)\b|\b(политик|заявлени)\w* (о )?конфиденциальности"
    rf"|\bсовершеннолет|\bисполнилось|\b(не (моложе|младше)|старше|мне( уже)?( есть)?) {_AGE}\b|\b{_AGE}\+"
    rf"|\b{_AGE} лет|\b(переда|предостав)\w+ (\w+ ){{0,4}}(партн|треть)",
}
# What names each kind of channel, so that a text which names two asks for two consents with one act.
_REACHED = {
    "en": (
        r"\be-?mails?\b",
        r"\bsms\b|\btext messages?\b|\btexts\b",
        r"\bbe called\b|\b(call|ring|phone) me\b|\bcalls\b|\bby (tele)?phone\b",
        r"\bby post\b|\bpostal\b",
    ),
    "lv": (
        r"\be-?past",
        r"\bsms\b|\bīsziņ",
        r"\bzvan|\bpiezvan|\bpa (tālruni|telefonu)|\btelefonisk",
        r"\bpa pastu\b",
    ),
    "pl": (
        r"\be-?mail|\bpoczt\w+ elektroniczn",
        r"\bsms|\bwiadomości\w* tekstow",
        r"\btelefonicz|\b(za)?dzwo(ni|ń)|\bprzez telefon",
        r"\bpoczt\w+ tradycyjn",
    ),
    "ru": (
        r"\be-?mail|\bэлектронн\w+ (почт|письм)|\bимейл",
        r"\bsms|\bсмс|\bтекстов\w+ сообщени",
        r"\b(по)?звон(ите|ить|ки|ков|ками|ком)\b|\bпо телефону\b",
        r"\bобычной почт",
    ),
}
# A channel that is left out, or by which one says no, is none that is asked for.
_LEFT_OUT = {
    "en": r"\b(no|not|without|never|nor)\b|n.t\b|\b(withdraw|stop|unsubscribe|opt)",
    "lv": r"\b(ne|nevis|bez)\b|\bne(zvan|sūt)|\b(atsauk|atteik)",
    "pl": r"\b(nie|bez|ani)\b|\b(wycof|rezygn)",
    "ru": r"\b(не|без|ни)\b|\b(отозва|отказ)",
}
# At the beginning of an answer or a label, whatever follows.
_AGREEING = {"en": "yes", "lv": "jā", "pl": "tak", "ru": "да", "de": "ja"}
_REFUSING = {"en": "no", "lv": "nē", "pl": "nie", "ru": "нет", "de": "nein"}
_DENIES = {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in _DENYING.items()}
_BUNDLES = {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in _BUNDLED.items()}


def _beginning(words: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {locale: re.compile(rf"^\W*{word}\b", re.IGNORECASE) for locale, word in words.items()}


_REACHES = {
    locale: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for locale, patterns in _REACHED.items()
}
_LEAVES_OUT = {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in _LEFT_OUT.items()}
_SENTENCE, _CLAUSE = re.compile(r"[.!?;\n]"), re.compile(r"[,:()–—]")
_AGREES, _REFUSES = _beginning(_AGREEING), _beginning(_REFUSING)


def agreeing(text: str, locale: str) -> str | None:
    """The word by which the text begins with a yes, or None; a language that we do not know has none."""
    return _found(_AGREES, text, locale)


def denying(text: str, locale: str) -> str | None:
    """The words by which the text says no, or with which it begins so, or None; an unknown language has none."""
    return _found(_REFUSES, text, locale) or _found(_DENIES, text, locale)


def bundling(text: str, locale: str) -> str | None:
    """The words by which the text accepts terms, confirms an age or asks for a second channel as well, or None.

    GDPR art. 4(11), 7(2).
    """
    return _found(_BUNDLES, text, locale) or _second_channel(text, locale)


def _second_channel(text: str, locale: str) -> str | None:
    if locale not in _REACHES:
        return None
    for sentence in _SENTENCE.split(text):
        asked = " , ".join(one for one in _CLAUSE.split(sentence) if not _LEAVES_OUT[locale].search(one))
        named = [found for pattern in _REACHES[locale] if (found := pattern.search(asked))]
        if len(named) > 1:
            return max(named, key=re.Match.start)[0]
    return None


def _found(patterns: dict[str, re.Pattern[str]], text: str, locale: str) -> str | None:
    found = patterns[locale].search(text) if locale in patterns else None
    return found[0] if found else None
