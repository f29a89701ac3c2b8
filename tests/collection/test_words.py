"""Words by which the text of a control gives away that it says something else, or something more."""

from pathlib import Path

import pytest

from registry.policy.collection_words import bundling, denying
from tests.collection.forms import changed, found
from tests.policy.folders import line_of, replace


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
        ("en", "Yes, I am at least 16 and want the newsletter", "at least 16"),
        ("en", "I am 18+ and want the newsletter", "18+"),
        ("en", "I agree to the T&Cs and want the newsletter", "T&Cs"),
        ("en", "I accept all conditions of sale and want the newsletter", "conditions of sale"),
        ("en", "Send it, and my data may be passed to partners", "passed to partner"),
        ("en", "I agree to the privacy statement and to the newsletter", "privacy statement"),
        ("en", "I want the newsletter by e-mail, and to be called about offers", "be called"),
        ("en", "Send it by text message or e-mail", "e-mail"),
        ("lv", "Man ir 16 gadi, sūtiet vēstuli", "16 gad"),
        ("lv", "Piekrītu pārdošanas nosacījumiem un vēstulei", "nosacījum"),
        ("lv", "Sūtiet vēstuli e-pastā vai īsziņā", "īsziņ"),
        ("pl", "Mam 18+ i chcę newsletter", "18+"),
        ("pl", "Akceptuję ogólne warunki sprzedaży i newsletter", "ogólne warunki sprzedaży"),
        ("pl", "Chcę newsletter i znam oświadczenie o prywatności", "oświadczenie o prywatności"),
        ("pl", "Proszę o e-mail i SMS", "SMS"),
        ("ru", "Мне 18+, присылайте", "Мне 18"),
        ("ru", "Согласен на рассылку и условия продажи", "условия"),
        ("ru", "Пишите на e-mail и звоните", "звоните"),
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
    ],
)
def test_words_that_ask_for_one_thing_are_none(locale: str, label: str) -> None:
    assert bundling(label, locale) is None


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
