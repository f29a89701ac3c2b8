"""Finds any of many texts in a lot of bytes, however they were written down. Pure, and fast without a library.

A text of n bytes holds a four-byte word at one of the places that are a multiple of two: those words of all texts
form a set, against which a block's words are held at once. Only where one is met the block is looked at closely,
so the time does not depend on how many texts are looked for.
"""

import json
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import quote

BLOCK = 1 << 16
# Four random bytes are met by chance in every few gigabytes of ciphertext; five are not.
LEAST = 5
_WORD = 4


def forms(text: str) -> dict[bytes, str]:
    """The bytes that a text may lie about as, with a name for each way of writing it."""
    plain = text.encode()
    found = {plain: "utf-8"}
    if len(text) > 6:  # shorter, in another case, it may be a word of anybody's
        found |= {case.encode(): "utf-8" for case in (text.lower(), text.upper()) if case != text}
    found.setdefault(text.encode("utf-16-le"), "utf-16")
    found.setdefault(plain.hex().encode(), "hex")
    found.setdefault(plain.hex().upper().encode(), "hex")
    found.setdefault(json.dumps(text)[1:-1].encode(), "json")
    found.setdefault(quote(text, safe="").encode(), "url")
    for shift in range(3):
        # Of base64 the middle is the same whatever stands before and after.
        encoded = b64encode(bytes(shift) + plain)
        found.setdefault(encoded[(shift * 8 + 5) // 6 : (shift + len(plain)) * 8 // 6], "base64")
    return {form: name for form, name in found.items() if len(form) >= LEAST}


class Needles:
    """Texts to look for; `search` tells which of them are in a buffer."""

    def __init__(self, texts: Iterable[str], exactly: Iterable[bytes] = ()) -> None:
        """`exactly` are bytes to look for as they are; they are told in hex."""
        self._forms: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
        for text in dict.fromkeys(texts):
            for form, name in forms(text).items():
                self._forms[form].append((text, name))
        for form in exactly:
            self._forms[form].append((form.hex(), "bytes"))
        self._shifts = (0,) if all(len(form) >= 2 * _WORD - 1 for form in self._forms) else (0, 2)
        self._overlap = max(map(len, self._forms), default=1) - 1
        # By word, by where in the form it stands, by the form's first bytes: the forms.
        self._by_word: dict[bytes, dict[int, dict[bytes, list[bytes]]]] = {}
        common = Counter(word for form in self._forms for word in _words(form))
        for form in self._forms:
            for word, offset in self._telling(form, common):
                by_start = self._by_word.setdefault(word, {}).setdefault(offset, {})
                by_start.setdefault(form[:LEAST], []).append(form)
        self._words = frozenset(memoryview(word).cast("I")[0] for word in self._by_word)

    def _telling(self, form: bytes, common: Counter[bytes]) -> set[tuple[bytes, int]]:
        """For each place at which the form may begin, one of its words, which few other forms have."""
        step = _WORD // len(self._shifts)
        words = [(common[word], place, word) for place, word in enumerate(_words(form))]
        return {
            (word, place)
            for _, place, word in (min(words[first::step]) for first in range(min(step, len(words))))
        }

    def search(
        self, buffer: "memoryview | bytes", seen: set[int] | None = None
    ) -> Iterator[tuple[str, str, int]]:
        """(text, form, place) of what is in the buffer; each form once in a block.

        `seen` remembers blocks by their hash across calls: what was looked at once is not looked at again.
        """
        if not self._forms:
            return
        view = memoryview(buffer)
        zeros = bytes(BLOCK + self._overlap)
        for start in range(0, len(view), BLOCK):
            block = bytes(view[start : start + BLOCK + self._overlap])
            if block == zeros[: len(block)]:
                continue
            if seen is not None:
                digest = hash(block)
                if digest in seen:
                    continue
                seen.add(digest)
            for form, place in self._found_in(block).items():
                for text, name in self._forms[form]:
                    yield text, name, start + place

    def _found_in(self, block: bytes) -> dict[bytes, int]:
        found: dict[bytes, int] = {}
        for shift in self._shifts:
            whole = shift + (len(block) - shift) // _WORD * _WORD
            if whole <= shift:
                continue
            words = memoryview(block)[shift:whole].cast("I")
            if not (met := self._words.intersection(words)):
                continue
            for place in (number * _WORD + shift for number, word in enumerate(words) if word in met):
                for offset, by_start in self._by_word[block[place : place + _WORD]].items():
                    start = place - offset
                    for form in by_start.get(block[start : start + LEAST], ()) if start >= 0 else ():
                        if form not in found and block.startswith(form, start):
                            found[form] = start
        return found


def _words(form: bytes) -> list[bytes]:
    """Every four bytes of a form that stand together."""
    return [form[place : place + _WORD] for place in range(len(form) - _WORD + 1)]
