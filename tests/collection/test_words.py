"""Words by which the text of a control gives away that it says something else, or something more."""

from pathlib import Path

import pytest

from registry.policy.collection_words import bundling, denying
from tests.collection.forms import changed, found
from tests.policy.folders import line_of, problems, replace


@pytest.mark.law("LP-02")
@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "No, thank you"),
        ("en", "I do not want it"),
        ("pl", "Nie, dziękuję"),
        ("pl", "„Nie”"),
    ],
)
def test_an_answer_that_says_yes_does_not_say_no_in_words(folder: Path, locale: str, text: str) -> None:
    file = f"collection/club-signup/text.{locale}.md"
    line = next(x for x in (folder / file).read_text("utf-8").splitlines() if x.startswith("accept = "))
    problem = changed(folder, line, f'accept = "{text}"', "where choosing it says yes", file)
    assert problem.file == file
    assert "`accept`" in problem.text


def test_a_word_that_only_starts_like_a_no_is_none() -> None:
    assert denying("Notify me", "en") is None
    assert denying("Niedzielny list, proszę", "pl") is None
    assert denying("Nē, paldies", "lv") == "Nē"
    assert denying("Нет, спасибо", "ru") == "Нет"


@pytest.mark.law("LP-05")
@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("en", "I want the newsletter and accept the terms and conditions"),
        ("en", "I am over 18 and want the newsletter"),
        ("lv", "Vēlos vēstuli un piekrītu lietošanas noteikumiem"),
        ("lv", "Man ir vismaz 16, un vēlos vēstuli"),
        ("lv", "Vēlos vēstuli e-pastā un lai man zvana"),
        ("pl", "Chcę newsletter i akceptuję regulamin"),
        ("pl", "Mam co najmniej 16 i chcę newsletter e-mailem"),
        ("pl", "Chcę newsletter e-mailem i informacje telefonicznie"),
        ("pl", "Chcę newsletter i ukończyłem 16 lat"),
        ("ru", "Хочу рассылку и принимаю правила"),
        ("ru", "Мне уже 16, и я хочу рассылку"),
        ("ru", "Хочу рассылку по электронной почте и по телефону"),
    ],
)
def test_a_text_that_bundles_terms_or_an_age_is_refused(folder: Path, locale: str, label: str) -> None:
    file = f"collection/newsletter-footer/text.{locale}.md"
    relabelled(folder, file, label)
    problem = found(folder, "bundles something else")
    assert (problem.file, problem.line) == (file, line_of(folder, file, "newsletter ="))


@pytest.mark.law("LP-05", "LP-01")
@pytest.mark.parametrize(
    ("locale", "label", "words"),
    [
        ("en", "Yes, I am at least 16 and want the newsletter", "I am at least 16"),
        ("en", "I am 18+ and want the newsletter", "I am 18+"),
        ("en", "I agree to the T&Cs and want the newsletter", "T&Cs"),
        ("en", "I accept all conditions of sale and want the newsletter", "conditions of sale"),
        ("en", "Send it, and my data may be passed to partners", "passed to partner"),
        ("en", "I agree to the privacy statement and to the newsletter", "privacy statement"),
        ("en", "I want the newsletter by e-mail, and to be called about offers", "be called"),
        ("en", "Send it by text message or e-mail", "e-mail"),
        ("lv", "Man ir 16 gadi, sūtiet vēstuli", "Man ir 16"),
        ("lv", "Piekrītu pārdošanas nosacījumiem un vēstulei", "nosacījum"),
        ("lv", "Sūtiet vēstuli e-pastā vai īsziņā", "īsziņ"),
        ("pl", "Mam 18+ i chcę newsletter", "Mam 18+"),
        ("pl", "Akceptuję ogólne warunki sprzedaży i newsletter", "ogólne warunki sprzedaży"),
        ("pl", "Chcę newsletter i znam oświadczenie o prywatności", "oświadczenie o prywatności"),
        ("pl", "Proszę o e-mail i SMS", "SMS"),
        ("ru", "Мне 18+, присылайте", "Мне 18+"),
        ("ru", "Согласен на рассылку и условия продажи", "условия"),
        ("ru", "Пишите на e-mail и звоните", "звоните"),
        ("en", "I want the newsletter (18+)", "(18+)"),
        ("en", "Over the age of 16, and I want the newsletter", "Over the age of 16"),
        ("en", "E-mail me, and call me", "call me"),
        ("en", "E-mail me, and text me", "text me"),
        ("pl", "Mam 18 lat i chcę newsletter", "Mam 18"),
        ("ru", "Я старше 16 лет, присылайте", "Я старше 16"),
        ("lv", "Esmu iepazinies ar noteikumiem un vēlos vēstuli", "noteikum"),
        ("pl", "Chcę list, a dane można przekazać partnerom", "przekazać partner"),
    ],
)
def test_words_that_ask_for_more_are_found(locale: str, label: str, words: str) -> None:
    assert bundling(label, locale) == words


@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("en", "I want the newsletter by e-mail: no calls, no text messages"),
        ("en", "Text messages about offers, at least 12 a year. I can stop them by e-mail"),
        ("en", "Text messages to my phone number"),
        ("en", "The letter called Polana by e-mail"),
        ("lv", "Sūtiet vēstuli e-pastā reizi nedēļā, nevis īsziņā"),
        ("pl", "Chcę list e-mailem, bez SMS"),
        ("ru", "Присылайте письма на e-mail, не звоните"),
        ("de", "Newsletter per E-Mail und SMS"),
        ("en", "Yes, e-mails about calls for papers and conferences"),
        ("en", "Yes, e-mail me texts by our authors"),
        ("en", "Yes, send me the 16+ games newsletter"),
        ("en", "Yes, offers for children aged 13 to 18"),
        ("en", "I agree to e-mails about the terms of deposits"),
        ("pl", "Tak, chcę list o naszych 18 lat pracy"),
        ("pl", "Mam 18 lat pracy za sobą i chcę list"),
        ("ru", "Согласен получать письма об изменении условий вкладов"),
        ("lv", "Piekrītu saņemt ziņas par piedāvājumu nosacījumiem"),
        ("lv", "Jā, sūtiet ziņas ar piedāvājumu nosacījumiem"),
    ],
)
def test_words_that_ask_for_one_thing_are_none(locale: str, label: str) -> None:
    assert bundling(label, locale) is None


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en", "No spam, just one letter a month: yes"),
        ("en", "No. 1 newsletter"),
        ("pl", "Nie częściej niż raz w miesiącu, proszę o list"),
        ("lv", "Ne biežāk kā reizi mēnesī"),
        ("ru", "Нет спама, одно письмо в месяц"),
    ],
)
def test_a_no_to_something_else_is_none(locale: str, text: str) -> None:
    assert denying(text, locale) is None


@pytest.mark.parametrize(
    "text", ["No", "No.", "no!", "No thanks", "No — thank you", "No, I would rather not"]
)
def test_a_no_of_its_own_is_one(text: str) -> None:
    assert denying(text, "en") == text[:2]


_SHARING = [
    ("en", "Yes, you may share my address with your partner SIA Dzintara Dati"),
    ("lv", "Jā, drīkstat nodot manu adresi partnerim SIA Dzintara Dati"),
    ("pl", "Tak, możecie przekazać mój adres partnerowi SIA Dzintara Dati"),
    ("ru", "Да, можно передать мой адрес партнёру SIA Dzintara Dati"),
]


@pytest.mark.law("LP-05")
@pytest.mark.parametrize(("locale", "label"), _SHARING)
def test_sharing_may_be_asked_for_where_it_is_the_purpose(folder: Path, locale: str, label: str) -> None:
    file = f"collection/newsletter-footer/text.{locale}.md"
    relabelled(folder, file, label)
    assert found(folder, "bundles something else").file == file
    for path in folder.glob("*.toml"):
        text = path.read_text("utf-8")
        path.write_text(text.replace('role = "processor"', 'role = "controller"'), "utf-8")
    assert not [one for one in problems(folder) if "bundles something else" in one.text]


def relabelled(folder: Path, file: str, label: str) -> None:
    text = (folder / file).read_text("utf-8")
    old = next(line for line in text.splitlines() if line.startswith("newsletter ="))
    replace(folder, file, old, f'newsletter = "{label}"')


@pytest.mark.parametrize(
    ("locale", "label"),
    [
        ("en", "I do not want the newsletter"),
        ("en", "Untick if you would rather hear nothing"),
        ("lv", "Nevēlos saņemt vēstuli"),
        ("pl", "Nie chcę newslettera"),
        ("ru", "Не хочу получать рассылку"),
    ],
)
def test_a_text_that_says_no_where_the_act_says_yes_is_refused(folder: Path, locale: str, label: str) -> None:
    file = f"collection/newsletter-footer/text.{locale}.md"
    relabelled(folder, file, label)
    assert found(folder, "says no").line == line_of(folder, file, "newsletter =")
