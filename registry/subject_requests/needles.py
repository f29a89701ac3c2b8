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

BLOCK = 1 << 18
# Four random bytes are met by chance in every few gigabytes of ciphertext; five are not.
LEAST = 5
_WORD = 4


def forms(text: str) -> dict[bytes, str]:
    """The bytes that a text may lie about as, with a name for each way of writing it."""
    cases = {text, text.casefold(), text.lower(), text.upper()} if len(text) > 6 else {text}
    found: dict[bytes, str] = {}
    for case in sorted(cases):
        plain = case.encode()
        found.setdefault(plain, "utf-8")
        for name, encoding in (("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")):
            found.setdefault(case.encode(encoding), name)
        found.setdefault(plain.hex().encode(), "hex")
        found.setdefault(plain.hex().upper().encode(), "hex")
        found.setdefault(json.dumps(case)[1:-1].encode(), "json")
        found.setdefault(quote(case, safe="").encode(), "url")
        for shift in range(3):
            # Of base64 the middle is the same whatever stands before and after.
            encoded = b64encode(bytes(shift) + plain)
            first = (shift * 8 + 5) // 6
            last = (shift + len(plain)) * 8 // 6
            found.setdefault(encoded[first:last], "base64")
    return {form: name for form, name in found.items() if len(form) >= LEAST}


class Needles:
    """Texts to look for; `search` tells which of them are in a buffer."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._forms: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
        for text in dict.fromkeys(texts):
            for form, name in forms(text).items():
                self._forms[form].append((text, name))
        self._by_word: dict[int, list[bytes]] = defaultdict(list)
        self._shifts = (0,) if all(len(form) >= 2 * _WORD - 1 for form in self._forms) else (0, 2)
        self._overlap = max(map(len, self._forms), default=1) - 1
        common = Counter(word for form in self._forms for word in _words(form))
        for form in self._forms:
            for word in self._telling(form, common):
                self._by_word[word].append(form)
        self._words = frozenset(self._by_word)

    def _telling(self, form: bytes, common: Counter[int]) -> set[int]:
        """For each place at which the form may begin, one of its words that few other forms have."""
        step = _WORD // len(self._shifts)
        words = _words(form)
        return {
            min((words[place] for place in range(first, len(words), step)), key=lambda word: common[word])
            for first in range(min(step, len(words)))
        }

    def search(self, buffer: "memoryview | bytes", seen: set[int] | None = None) -> Iterator[tuple[str, str, int]]:
        """(text, form, place) of what is in the buffer, the first place in each block.

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
            for form in self._candidates(block):
                place = block.find(form)
                if place >= 0:
                    for text, name in self._forms[form]:
                        yield text, name, start + place

    def _candidates(self, block: bytes) -> set[bytes]:
        met: set[int] = set()
        for shift in self._shifts:
            whole = shift + (len(block) - shift) // _WORD * _WORD
            if whole > shift:
                met |= self._words.intersection(memoryview(block)[shift:whole].cast("I"))
        return {form for word in met for form in self._by_word[word]}


def _words(form: bytes) -> list[int]:
    """Every four-byte word of a form, as the machine reads it."""
    return [
        int(memoryview(form)[place : place + _WORD].cast("I")[0]) for place in range(len(form) - _WORD + 1)
    ]
