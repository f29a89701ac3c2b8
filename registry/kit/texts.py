"""Texts for people in their language, read from the catalogues as they lie in the tree: there is no build step."""

import gettext
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = ("en", "lv", "pl", "ru")
DEFAULT = "en"

_FOLDER = Path(__file__).parents[1] / "locale"


def N_(text: str) -> str:  # noqa: N802  # the name that gettext's tools know
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


def catalogue(locale: str) -> Catalog:
    """The catalogue of a locale, as its translators wrote it."""
    with (_FOLDER / locale / "LC_MESSAGES" / "zgoda.po").open("rb") as file:
        return read_po(file, locale=locale)


@lru_cache(maxsize=len(LOCALES))
def translations(locale: str) -> gettext.NullTranslations:
    """The translations of a locale, for templates; English for a locale that we do not have."""
    if locale not in LOCALES:
        return translations(DEFAULT)
    compiled = BytesIO()
    write_mo(compiled, catalogue(locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def gettext_for(locale: str) -> Callable[[str], str]:
    """A function that gives an English text in the locale's language."""
    return translations(locale).gettext


def ngettext_for(locale: str) -> Callable[[str, str, int], str]:
    """A function that gives an English text in the locale's language, in the form that a number asks for."""
    return translations(locale).ngettext


def best_locale(accepted: str | None, offered: tuple[str, ...] = LOCALES, default: str = DEFAULT) -> str:
    """The offered language that an Accept-Language header (RFC 9110, 12.5.4) likes best.

    Where it names none, `default`, unless that is refused (`q=0`): then one that is not, while there is any.
    """
    wishes: dict[str, tuple[float, int]] = {}
    refused: set[str] = set()
    for place, part in enumerate((accepted or "")[:1000].split(",")):
        tag, _, weight = part.strip().lower().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        language, _, variety = tag.strip().partition("-")
        if 0 < quality <= 1:
            wishes[language] = min(wishes.get(language, (0, 0)), (-quality, place))
        elif quality == 0 and not variety:
            refused.add(language)
    # What is wished for in one of its varieties is not refused; `*` is whatever is not named.
    refused -= wishes.keys()
    others = [default, *offered]
    acceptable = [one for one in others if one not in refused and (one in wishes or "*" not in refused)]
    liked = [one for one in acceptable if one in wishes or "*" in wishes]
    if liked:
        return min(liked, key=lambda one: wishes.get(one) or wishes["*"])
    return next(iter(acceptable), default)
