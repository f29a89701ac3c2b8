"""What of a mail's style sheet and style attributes hides an element: judged by name and value, no browser needed.

What cannot be told for sure counts as hidden. Not judged are letters in the colour of their ground, what lies on top
of them, style sheets from elsewhere (mail programs load none), rules for what follows a sibling (`+`, `~`) and what a
condition of the template adds.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_STYLE = re.compile(r"<style\b[^>]*(?:>|\Z)(.*?)(?:</style|\Z)", re.DOTALL | re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE)
_LENGTH = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([a-z%]*)")
_SAME_AS = {"class": ".", "id": "#"}
_ATTRIBUTE = re.compile(r"\[\s*(?:(class|id)\s*[~*^$|]?=\s*[\"']?([\w-]+)[\"']?\s*)?[^\]]*\]", re.IGNORECASE)
_NAME = r"(?:[\w-]|\\.)+"
_SIMPLE = re.compile(rf"([.#]?)({_NAME})")
_PSEUDO = re.compile(rf":{_NAME}")
# These style a part that is made up, never the element's own words.
_MADE_UP = re.compile(r"::|:(?:before|after|first-line|first-letter)\b", re.IGNORECASE)
# An escaped sign belongs to a name.
_COMBINATOR = re.compile(r"(?<!\\)\s*([\s>])\s*")
_SIBLING = re.compile(r"(?<!\\)[+~]")
# Browsers add these where a mail leaves them out.
_IMPLIED = {"html", "body", "tbody"}
_SIZES = {"xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "xxx-large"}
_ABSOLUTE = {"", "px", "pt"}
# Only of these is a value that is reckoned (`calc`, `var`) looked at: it counts as one that hides.
_RECKONED = {"display", "visibility", "opacity", "font-size", "font", "clip", "clip-path"}
# Smaller letters than these, in pixels or points, nobody reads; nor those of such a share of the usual size.
_LEAST, _LEAST_SHARE = 4.0, 0.25
_FAR, _FAR_SHARE = -500.0, -100.0
_FAINT = 0.1
_MOST_RULES = 500
# Brackets in brackets of a selector, such as `:not(:is(a) + b)`.
_NESTED = 4

Declaration = tuple[str, str]
Known = tuple[str, str, Collection[str]]
"""Of an element its tag, id and classes."""


@dataclass(frozen=True, slots=True)
class Compound:
    """A part of a selector that is about one element, without a name where it could be anything."""

    tag: str | None = None
    ids: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()

    def fits(self, tag: str, id_: str, classes: Collection[str]) -> bool:
        """Whether an element may be meant; states that the selector asks for are taken as given."""
        return self.tag in (None, tag) and self.ids <= {id_} and self.classes <= set(classes)

    @property
    def certain(self) -> bool:
        """Whether it asks for something that has to stand in the mail to be there."""
        return bool(self.ids or self.classes or self.tag not in {None, *_IMPLIED})


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that hides what it names: the last part of its selector, and those that ask for elements around it.

    `within` begins with the nearest, each with whether it has to be the parent.
    """

    last: Compound
    within: tuple[tuple[Compound, bool], ...] = ()

    def names(
        self, tag: str, id_: str, classes: Collection[str], around: Sequence[Known] | None = None
    ) -> bool:
        """Whether an element may be meant; `around` is what it stands in, the outermost first.

        Where that is not known, all that the selector asks of it is taken as given.
        """
        if not self.last.fits(tag, id_, classes):
            return False
        return around is None or self._stands(around)

    def _stands(self, around: Sequence[Known]) -> bool:
        # All places where the parts so far may stand: trying them one after the other could take for ever.
        places = {len(around)}
        for compound, parent in self.within:
            asked = {place - 1 for place in places if place} if parent else range(max(places))
            places = {place for place in asked if compound.fits(*around[place])}
            if not places:
                return False
        return True


def declarations(style: str) -> list[Declaration]:
    """Names and values of a style attribute or of a rule's body, in lower case and without escapes."""
    found = []
    for one in _COMMENT.sub(" ", style).split(";"):
        name, colon, value = one.partition(":")
        if colon:
            value = _unescaped(value).lower().partition("!")[0]
            found.append((_unescaped(name).strip().lower(), value.strip()))
    return found


def hides(style: list[Declaration]) -> bool:
    """Whether an element with this style is hidden with all that is in it, whatever they say themselves."""
    cut = any(name.startswith("overflow") and value in ("hidden", "clip") for name, value in style)
    return any(_hides(name, value, cut) for name, value in style)


def shrinks(style: list[Declaration], before: bool) -> bool:
    """Whether letters are too small to be read, where they were (`before`) or were not in the element around."""
    small = before
    for name, value in style:
        size = value
        if name == "font":
            sizes = [part.partition("/")[0] for part in value.split()]
            size = next((one for one in sizes if one in _SIZES or _is_size(one)), "inherit")
        elif name != "font-size":
            continue
        found = _LENGTH.fullmatch(size)
        if size in _SIZES:
            small = False
        elif found is None:
            small = before
        elif found[2] in _ABSOLUTE:
            small = float(found[1]) < _LEAST
        else:
            share = float(found[1]) / (100 if found[2] == "%" else 1)
            small = share < _LEAST_SHARE or before
    return small


def blanks(style: list[Declaration], before: bool) -> bool:
    """Whether `visibility` hides an element; those in it may show themselves again."""
    blank = before
    for name, value in style:
        if name == "visibility":
            blank = value in ("hidden", "collapse") or (before and value != "visible")
    return blank


def rules(html: str) -> list[Rule]:
    """The rules of a page's style sheets that hide something, for whatever screen they are meant.

    Of more than any mail needs, one that may mean any element.
    """
    found: list[Rule] = []
    for sheet in _STYLE.findall(html):
        text = _COMMENT.sub(" ", sheet).replace("<!--", " ").replace("-->", " ")
        for block in text.split("}"):
            heads = ["*", *block.split("{")]
            for head, body in pairwise(heads):
                # Alone it hides in one program only, and builders write it beside what shows in the others.
                style = [(name, value) for name, value in declarations(body) if name != "mso-hide"]
                if hides(style) or shrinks(style, False) or blanks(style, False):
                    found.extend(_selected(head.rpartition(";")[2]))
            if len(found) > _MOST_RULES:
                return [Rule(Compound())]
    return found


def _selected(selectors: str) -> Iterator[Rule]:
    for _ in range(_NESTED):
        selectors = re.sub(r"\([^()]*\)", "", selectors)
    for selector in selectors.split(","):
        if _MADE_UP.search(selector):
            continue
        plain = _ATTRIBUTE.sub(lambda m: _SAME_AS[m[1].lower()] + m[2] if m[1] else "", selector)
        if _SIBLING.search(plain):
            continue
        *earlier, last = _COMBINATOR.split(plain.strip())
        within, parent = [], True
        for text, sign in zip(earlier[-2::-2], earlier[::-2], strict=True):
            compound = _compound(text)
            parent = parent and sign == ">"
            if compound.certain:
                within.append((compound, parent))
            # Over one that may be anything, or that browsers add, it is not told who the parent is.
            parent = compound.certain
        yield Rule(_compound(last), tuple(within))


def _compound(text: str) -> Compound:
    parts = [
        (sign, name.replace("\\", "").casefold()) for sign, name in _SIMPLE.findall(_PSEUDO.sub("", text))
    ]
    return Compound(
        next((name for sign, name in parts if not sign), None),
        frozenset(name for sign, name in parts if sign == "#"),
        frozenset(name for sign, name in parts if sign == "."),
    )


def _hides(name: str, value: str, cut: bool) -> bool:
    if "(" in value and name in _RECKONED:
        return True
    length = _LENGTH.match(value)
    number = float(length[1]) if length else None
    if name == "display":
        return value == "none"
    if name == "mso-hide":
        return value == "all"
    if name == "color":
        return value == "transparent"
    if name in ("clip", "clip-path"):
        return value not in ("auto", "none")
    if number is None or length is None:
        return False
    if name == "opacity":
        return (number / 100 if length[2] == "%" else number) <= _FAINT
    if name in ("height", "max-height", "width", "max-width"):
        return cut and (number <= 1 if length[2] in _ABSOLUTE else number == 0)
    if name in ("text-indent", "left", "right", "top", "bottom", "margin-left", "margin-top"):
        return number <= (_FAR if length[2] in _ABSOLUTE else _FAR_SHARE)
    return False


def _is_size(part: str) -> bool:
    """Whether a part of `font` is its size; a number without a unit is a weight, but for nought."""
    found = _LENGTH.fullmatch(part)
    return found is not None and (bool(found[2]) or float(found[1]) == 0)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[2]
    number = int(found[1], 16)
    return chr(number) if number <= 0x10FFFF else " "
