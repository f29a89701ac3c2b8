"""What a purpose is called in a language that its reader understands."""

from typing import NamedTuple

from registry.policy.model import Purpose


class Title(NamedTuple):
    """A title and the language that it is in, which a page must say where it is not its own (WCAG 3.1.2)."""

    text: str
    locale: str


def title_of(purpose: Purpose, locale: str) -> Title:
    """The title in `locale`, else in English, else in the purpose's own language."""
    for known in (locale, "en", purpose.default_locale):
        if text := purpose.title.get(known):
            return Title(text, known)
    first = next(iter(purpose.title))
    return Title(purpose.title[first], first)
