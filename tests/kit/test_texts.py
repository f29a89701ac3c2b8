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


def _marked() -> set[str]:
    keywords = {"_": None, "gettext": None, "N_": None}
    found = extract_from_dir(ROOT / "registry", method_map=_METHODS, keywords=keywords)
    return {message[2] for message in found if isinstance(message[2], str)}


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_the_catalogue_has_every_text_that_is_marked(locale: str) -> None:
    have = {message.id for message in texts.catalogue(locale) if message.string}
    assert _marked() - have == set()


@pytest.mark.parametrize("locale", texts.LOCALES)
def test_every_text_of_the_catalogue_is_translated_with_its_placeholders(locale: str) -> None:
    for message in texts.catalogue(locale):
        if not message.id:
            continue
        assert message.string, message.id
        assert not message.fuzzy, message.id
        asked, given = (sorted(_PLACEHOLDER.findall(str(text))) for text in (message.id, message.string))
        assert asked == given, message.id


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
        (";;;,,,", "en"),
    ],
)
def test_the_best_language_of_a_browser(accepted: str | None, best: str) -> None:
    assert texts.best_locale(accepted) == best
