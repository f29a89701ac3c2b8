"""Texts for people are there in every language, with the same placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from registry.gate import reasons, rules
from registry.kit import texts

ROOT = Path(__file__).parents[2]
_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_METHODS = [("**/html/**.html", "jinja2"), ("**.py", "python")]


def _marked() -> set[str | tuple[str, ...]]:
    keywords = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
    found = extract_from_dir(ROOT / "registry", method_map=_METHODS, keywords=keywords)
    return {message[2] for message in found if message[2]}


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_the_catalogue_has_every_text_that_is_marked(locale: str) -> None:
    have = {message.id for message in texts.catalogue(locale) if all(_forms(message.string))}
    assert _marked() - have == set()


def _forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """One text, or every form of one that goes with a number."""
    return text if isinstance(text, tuple) else (text,)


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_every_text_of_the_catalogue_is_translated_with_its_placeholders(locale: str) -> None:
    for message in texts.catalogue(locale):
        if not message.id:
            continue
        assert all(_forms(message.string)), message.id
        assert not message.fuzzy, message.id
        asked = sorted(_PLACEHOLDER.findall(_forms(message.id)[-1]))
        for form in (*_forms(message.id), *_forms(message.string)):
            assert sorted(_PLACEHOLDER.findall(form)) == asked, message.id


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_what_goes_with_a_number_has_every_form_that_the_language_knows(locale: str) -> None:
    wanted = texts.catalogue(locale).num_plurals
    forms = [message.string for message in texts.catalogue(locale) if isinstance(message.id, tuple)]
    assert forms
    assert {len(form) for form in forms} == {wanted}


def test_a_number_takes_its_form() -> None:
    def days(locale: str, number: int) -> str:
        said = texts.ngettext_for(locale)
        one, many = "The link is good for %(days)d day.", "The link is good for %(days)d days."
        return said(one, many, number) % {"days": number}

    assert days("en", 1) == "The link is good for 1 day."
    assert [days("pl", n).split()[-1] for n in (1, 2, 7)] == ["dzień.", "dni.", "dni."]
    assert [days("ru", n).split()[-1] for n in (1, 3, 7, 21)] == ["день.", "дня.", "дней.", "день."]
    assert [days("lv", n).split()[-1] for n in (1, 7, 21)] == ["dienu.", "dienas.", "dienu."]


def test_the_catalogues_have_the_same_texts() -> None:
    ids = [{message.id for message in texts.catalogue(locale)} for locale in texts.LOCALES]
    assert all(of == ids[0] for of in ids)


def test_every_reason_has_a_sentence_in_every_language() -> None:
    for reason in rules.ORDER:
        sentences = {reasons.explain(reason, locale) for locale in texts.LOCALES}
        assert len(sentences) == len(texts.LOCALES), reason


def test_an_unknown_language_is_answered_in_english() -> None:
    assert reasons.explain("consent.withdrawn", "de") == "The person withdrew consent."


@pytest.mark.parametrize(
    ("accepted", "best"),
    [
        (None, "en"),
        ("", "en"),
        ("lv", "lv"),
        ("de-DE,de;q=0.9", "en"),
        ("de,pl;q=0.8,ru;q=0.9", "ru"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("ru;q=0,lv;q=0.1", "lv"),
        ("lv;q=x,pl;q=0.5", "pl"),
        ("lv;q=0.5,PL;Q=0.7", "pl"),
        ("lv;q=0.5,pl;q=inf,ru;q=9,en;q=nan", "lv"),
        ("*", "en"),
        (";;;,,,", "en"),
        ("en;q=0,*", "lv"),
        ("en;q=0", "lv"),
        ("EN; Q=0.000, lv;q=0, *;q=0.1", "pl"),
        ("*;q=0", "en"),
        ("*;q=0,ru;q=0.1", "ru"),
        ("en;q=0,lv;q=0,pl;q=0,ru;q=0", "en"),
        ("en;q=0,en-GB;q=0.3", "en"),
        ("en-US;q=0,de", "en"),
        ("pl,*", "pl"),
        ("pl;q=0.5,*;q=0.7", "en"),
        ("de;q=0,*;q=0.7", "en"),
    ],
)
def test_the_best_language_of_a_browser(accepted: str | None, best: str) -> None:
    assert texts.best_locale(accepted) == best


def test_a_controllers_own_language_is_not_shown_to_whoever_refuses_it() -> None:
    assert texts.best_locale("pl;q=0,*", default="pl") == "en"
    assert texts.best_locale("en;q=0,*", default="pl") == "pl"
