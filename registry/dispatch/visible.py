"""What a reader of an HTML mail sees, and which links they can follow: those that show a word or a picture's text."""

import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Self

from registry.dispatch import hiding

Attributes = list[tuple[str, str | None]]

# As browsers end them; the parser of the library ends some comments sooner, and what they hide would be seen.
_NO_MARKUP = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<![^>]*(?:>|\Z)", re.DOTALL)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_UNSEEN = {"audio", "canvas", "datalist", "iframe", "math", "noembed", "noframes", "noscript", "object"} | {
    "plaintext", "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp",
}  # fmt: skip
_CLOSED_UNLESS_OPEN = {"details", "dialog"}
# Their end tag may be left out before the next of the same kind.
_NEXT_ENDS = {"dd", "dt", "li", "p", "td", "th", "tr"}
# Browsers nest no deeper either; what lies below is not looked for.
_DEEPEST = 500
# Letters by their category that are blank all the same.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element: whether it is gone with all in it, its letters are too small, or it is not to be seen."""

    tag: str
    gone: bool = False
    small: bool = False
    blank: bool = False
    begins: bool = False
    """Whether hiding begins with it: then only its own end tag ends it."""
    known: hiding.Known = ("", "", ())

    @property
    def seen(self) -> bool:
        return not (self.gone or self.small or self.blank)


class Visible(HTMLParser):
    """`shown` is the text that is seen, in pieces; `links` the addresses of links that are seen to be there."""

    def __init__(self, rules: list[hiding.Rule]) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.links: set[str] = set()
        self._rules = rules
        self._open = [_Element("")]
        self._href: str | None = None

    @classmethod
    def of(cls, html: str) -> Self:
        """The page of an HTML part."""
        page = cls(hiding.rules(html))
        markup, end, rest = _NO_MARKUP.sub("", html).rpartition(">")
        # A tag that never ends is none, and the parser would look for its end from each of its characters.
        page.feed(markup + end + rest.partition("<")[0])
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag in _NEXT_ENDS and self._open[-1].tag == tag:
            self._open.pop()
        if len(self._open) > _DEEPEST:
            self._open = [_Element("", gone=True)]
        attributes = {name: value or "" for name, value in reversed(attrs)}  # of two, the first counts
        if tag == "a":
            self._href = attributes.get("href", "").strip()
        element = self._element(tag, attributes)
        if tag == "img" and element.seen:
            self._follow(attributes.get("alt", ""))
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        # A slash closes nothing in HTML.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                if any(one.tag == "a" for one in self._open[place:]):
                    self._href = None  # no link holds another
                del self._open[place:]
                return
            if self._open[place].begins:
                return

    def handle_data(self, data: str) -> None:
        if self._open[-1].seen:
            self.shown.append(data)
            self._follow(data)

    def _follow(self, words: str) -> None:
        if self._href is not None and any(
            unicodedata.category(one)[0] in "LN" and one not in _BLANK for one in words
        ):
            self.links.add(self._href)

    def _element(self, tag: str, attributes: dict[str, str]) -> _Element:
        around = self._open[-1]
        style = hiding.declarations(attributes.get("style", ""))
        id_, classes = attributes.get("id", "").casefold(), attributes.get("class", "").casefold().split()
        standing = [one.known for one in self._open] if self._rules else []
        gone = (
            tag in _UNSEEN
            or "hidden" in attributes
            or (tag in _CLOSED_UNLESS_OPEN and "open" not in attributes)
            or (tag == "img" and not {attributes.get("width"), attributes.get("height")}.isdisjoint("01"))
            or hiding.hides(style)
            or any(rule.names(tag, id_, classes, standing) for rule in self._rules)
        )
        small, blank = hiding.shrinks(style, around.small), hiding.blanks(style, around.blank)
        begins = gone or small > around.small or blank > around.blank
        return _Element(tag, around.gone or gone, small, blank, begins, (tag, id_, classes))
