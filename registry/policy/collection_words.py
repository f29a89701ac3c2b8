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
# An age, and what may stand after it: a number of other things is none, nor are years of work.
_AGE = (
    r"(?:1[3-8]|sixteen|eighteen)\b\+?"
    r"(?=\s*$|\s*[^\w\s%€]|\s+(?:years?|and|or|gad\w*|un|vai|lat|roku|i|lub|лет|год\w*|и|или)\b"
    r"(?! (?:of|pracy|doświadczenia|stażu|работы|опыта|darba|pieredzes)\b))"
)
# What a person states about the own age; offers for an age are none.
_AGED = {
    "en": rf"\bI(?: am|.m)(?: (?:already|now|at|least|over|above|aged|older|than|the|age|of|a|person))* {_AGE}"
    rf"|\bI(?:.ve| have)? (?:turned|reached)(?: the age of)? {_AGE}"
    r"|\bI(?: am|.m) (?:of (?:legal |full )?age|an adult)\b|\bconfirm my age\b"
    rf"|(?<!children )\b(?:over the age of|older than) {_AGE}",
    "lv": rf"\bman(?: jau)? ir(?: (?:jau|vismaz|virs|vairāk|nekā|par|pilni))* {_AGE}|\bman(?: jau)? 1[3-8] gad"
    rf"|\besmu(?: jau)? (?:pilngadīg|(?:vecāk\w+ (?:par|nekā)|sasnie[dg]\w+) {_AGE}|sasnie[dg]\w+ pilngad)"
    r"|\b(?:apliecinu|apstiprinu)[^.;\n]{0,40}\b(?:pilngad|vecumu)",
    "pl": rf"\bmam(?: (?:już|co|najmniej|przynajmniej|powyżej|ponad|więcej|niż|(?:u|s)kończon\w+))* {_AGE}"
    rf"|\b(?:u|s)kończył\S*(?: już)? {_AGE}|\bjestem(?: już)?(?: osobą)? pełnoletni"
    rf"|\bjestem(?: osobą)? (?:powyżej|starsz\w+ niż) {_AGE}"
    r"|\b(?:potwierdzam|oświadczam)[^.;\n]{0,40}\bpełnoletn",
    "ru": rf"\bмне(?: (?:уже|есть|исполнилось|больше|более|не|менее|меньше|полных|минимум))* {_AGE}"
    rf"|\bя(?: уже)? (?:старше|не моложе|не младше|достиг\w*)(?: возраста)? {_AGE}"
    r"|\bя(?: уже)? совершеннолет|\b(?:подтверждаю|заявляю)[^.;\n]{0,40}\bсовершеннолет",
}
# Terms that are accepted: the verb, what may not stand between (news about terms accept none), the noun.
_ACCEPTED = {
    "en": (
        (
            r"accept(?:ing|s|ed)?|agree(?:ing|d)?(?: with)?|consent(?:ing)?|acknowledge|approve|understand"
            r"|(?:have|.ve) read|bound by|subject to|comply with|abide by"
        ),
        r"about|regarding|concerning|changes?|with|news on",
        (
            r"(?<!in )terms\b(?: (?:and|&) conditions)?|T ?(?:&|and) ?Cs?\b|Ts (?:&|and) Cs\b"
            r"|conditions\b(?: of \w+)?|privacy (?:policy|notice|statement)"
        ),
    ),
    "lv": (
        r"piekr[iī]t\w*|pieņem\w*|akceptē\w*|apstiprin\w*|iepazin\w+ ar|izlasīj\w+|ievēro\w*",
        r"par|ar|izmaiņ\w*",
        r"noteikum|nosacījum|privātuma",
    ),
    "pl": (
        r"(?:za)?akcept\w+|zgadzam|zgod\w+ na|przyjmuj\w+|znam|zapozna\w+ się z|przeczyta\w+|potwierdzam",
        r"o|z|zmian\w*|dotycząc\w*",
        (
            r"regulamin|(?:ogóln\w+ )?warunk(?:i|ami|ów|om)\b(?: \w+)?|OWS\b"
            r"|(?:polityk|oświadczeni)\w* (?:o )?prywatności"
        ),
    ),
    "ru": (
        r"принима\w+|соглас\w+(?: с)?|соглаша\w+(?: с)?|ознаком\w+ с|одобря\w+|прочит\w+|подтвержда\w+",
        r"об?|про|с|изменени\w*",
        r"правил(?:а|ами)?\b|услови(?:я|ями|й|ям)\b|(?:политик|заявлени)\w* (?:о )?конфиденциальности",
    ),
}
_SHARED = {
    "en": r"\b(pass|shar|transfer|disclos|forward|s[eo]ld|sell)\w* (\w+ ){0,4}(to|with) (\w+ ){0,3}"
    r"(partner|third part|other compan|others)",
    "lv": r"\bnodo\w+ (\w+ ){0,4}(partner|treš)",
    "pl": r"\b(przekaz|udostępni)\w+ (\w+ ){0,4}(partner|podmiot|osobom trzecim|innym firm)",
    "ru": r"\b(переда|предостав)\w+ (\w+ ){0,4}(партн|треть)",
}
# What names each kind of channel, so that a text which names two asks for two consents with one act.
_REACHED = {
    "en": (
        r"\be-?mails?\b",
        r"\bsms\b|\btext messages?\b|\btext me\b|\bby text\b",
        r"\bbe called\b|\b(call|ring|phone) me\b|\bphone calls?\b|\bby (tele)?phone\b",
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
# A no is the whole text, or a clause of its own, or thanks: "No spam" and "No. 1" refuse nothing.
_ALONE = (
    r"(?=\W*$|[\"'”’»]*(?:\s*[,!;:…–—]|\s+-\s|\.(?!\s*\d)|\s+(?:thank|please|paldies|dzięk|спасибо|danke)))"
)


def _compiled(words: dict[str, str]) -> dict[str, re.Pattern[str]]:
    return {locale: re.compile(pattern, re.IGNORECASE) for locale, pattern in words.items()}


def _beginning(words: dict[str, str], then: str = "") -> dict[str, re.Pattern[str]]:
    return _compiled({locale: rf"^\W*{word}\b{then}" for locale, word in words.items()})


def _accepting(verb: str, between: str, noun: str) -> str:
    return rf"\b(?:{verb})\b(?:(?!\b(?:{between})\b)[^.;!?\n]){{0,60}}?\b(?P<words>{noun})"


_DENIES, _SHARES = _compiled(_DENYING), _compiled(_SHARED)
_STATES_AGE = _compiled({locale: rf"{words}|\(1[3-8]\+\)" for locale, words in _AGED.items()})
_ACCEPTS = _compiled({locale: _accepting(*words) for locale, words in _ACCEPTED.items()})
_REACHES = {
    locale: tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)
    for locale, patterns in _REACHED.items()
}
_LEAVES_OUT = _compiled(_LEFT_OUT)
_SENTENCE, _CLAUSE = re.compile(r"[.!?;\n]"), re.compile(r"[,:()–—]")
_AGREES, _REFUSES = _beginning(_AGREEING), _beginning(_REFUSING, _ALONE)


def agreeing(text: str, locale: str) -> str | None:
    """The word by which the text begins with a yes, or None; a language that we do not know has none."""
    return _found(_AGREES, text, locale)


def denying(text: str, locale: str) -> str | None:
    """The words by which the text says no, or the no that it begins with, or None; an unknown language has none."""
    return _found(_REFUSES, text, locale) or _found(_DENIES, text, locale)


def bundling(text: str, locale: str, *, shares: bool = False) -> str | None:
    """The words by which the text accepts terms, confirms an age or asks for a second channel as well, or None.

    So do words that pass data on, unless the purpose `shares` them: then they are what it asks for. GDPR art. 4(11),
    7(2).
    """
    return (
        _found(_ACCEPTS, text, locale)
        or _found(_STATES_AGE, text, locale)
        or (None if shares else _found(_SHARES, text, locale))
        or _second_channel(text, locale)
    )


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
    return (found.groupdict().get("words") or found[0]) if found else None
