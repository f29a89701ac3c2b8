"""Tells how a text is encoded, from all of its bytes and not from a guess at its beginning."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

import charset_normalizer

from registry.kit.errors import Refused

# What office programs of our languages write, where they do not write UTF-8: likeliest first.
LEGACY = ("cp1250", "cp1251", "cp1257", "cp1252", "iso8859_2", "iso8859_13", "koi8_r", "cp852", "cp866")
_MIXED = re.compile("(?<=[A-Za-z])[а-яё]+|[а-яё]+(?=[A-Za-z])", re.IGNORECASE)  # noqa: RUF001  # it is about Cyrillic
_SIGNS = "\xa0„”“‘’–—…«»§°€№"  # noqa: RUF001  # typography
_LETTERS = {
    "pl": "ąćęłńóśźż",
    "lv": "āčēģīķļņšūž",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "west": "àâäåæçèéêëíîïñóôöøùúûüßœ",
}
_SAMPLE = 1 << 16
_ESCAPED = re.compile("[\udc80-\udcff]")
_HIGH = re.compile(rb"[^\n]*[\x80-\xff][^\n]*\n?")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def detect(chunks: Iterable[bytes]) -> tuple[str, int]:
    """(Python codec, size in bytes) of a text given in pieces; Refused `encoding.unknown` where none fits.

    A few wrong bytes in a text that is UTF-8 otherwise leave it UTF-8: only their rows are refused.
    """
    size = good = bad = 0
    head = b""
    sample = bytearray()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for chunk in chunks:
        if not size:
            head = chunk[:4096]
        size += len(chunk)
        if chunk.isascii():
            continue
        text = decoder.decode(chunk)
        wrong = len(_ESCAPED.findall(text))
        bad += wrong
        good += sum(map(len, re.findall("[^\x00-\x7f\udc80-\udcff]+", text)))
        if wrong and len(sample) < _SAMPLE:
            for line in _HIGH.findall(chunk):
                sample += line
                if len(sample) >= _SAMPLE:
                    break
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, size
    if wide := _wide(head):
        return wide, size
    if good >= bad:
        return "utf-8", size
    if by_letters := _by_letters(bytes(sample)):
        return by_letters, size
    match = charset_normalizer.from_bytes(
        bytes(sample), cp_isolation=list(LEGACY), enable_fallback=False
    ).best()
    if match is None:
        raise Refused(
            "encoding.unknown",
            "The encoding of the file cannot be told.",
            mend='name it in the mapping: [file] encoding = "cp1250"',
        )
    return match.encoding, size


def _by_letters(sample: bytes) -> str | None:
    """The codec in which the letters beyond ASCII are those of one of our languages, mostly small ones.

    A few names are too little for statistics of whole texts, which take Latvian for Turkish.
    """
    scores: dict[str, float] = {}
    for codec in LEGACY:
        # No word mixes scripts, but every byte beyond ASCII is some Cyrillic letter somewhere.
        text = _MIXED.sub("\ufffd", sample.decode(codec, "replace"))
        beyond = [letter for letter in text if letter > "\x7f" and letter not in _SIGNS]
        if beyond:
            small = [sum(letter in own for letter in beyond) for own in _LETTERS.values()]
            great = [sum(letter.lower() in own for letter in beyond) for own in _LETTERS.values()]
            scores[codec] = max(s + 0.4 * (g - s) for s, g in zip(small, great, strict=True)) / len(beyond)
    best = max(scores, key=lambda codec: scores[codec], default=None)
    return best if best is not None and scores[best] > 0.7 else None


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: ASCII headers have a zero in every other byte."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) < 8 or max(even, odd) < len(head) * 0.35 or min(even, odd) > len(head) * 0.05:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", error.end


# The error handler for reading: a wrong byte becomes a character that `BROKEN` finds, in every encoding.
MARKED = "registry.marked"
codecs.register_error(MARKED, _mark)
BROKEN = re.compile("[\ud800-\udfff]")
# That, or a control character that no export has on purpose.
SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
