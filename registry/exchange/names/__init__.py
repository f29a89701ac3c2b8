"""Sample names in four languages, so that diacritics and Cyrillic pass through every import test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NameStock:
    """The names of one language: surnames are (of a woman, of a man)."""

    locale: str
    country: str
    time_zone: str
    domains: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[tuple[str, str], ...]
    cities: tuple[str, ...]
