"""The form of an API key: what it is made of, how a mistyped one is told apart, what is kept of it.

`zgoda_<kind>_<30 base62><6 checksum>`: 178 random bits, so a plain SHA-256 is enough at rest, and a CRC-32 over
everything before it, so that a wrong one costs no look-up and secret scanners can tell ours from chance.
"""

import re
import secrets
import zlib
from hashlib import sha256

KINDS = ("admin", "dpo", "engine", "marketer", "write", "auditor")

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 30
_CHECKSUM_LENGTH = 6
_FORM = re.compile(
    r"zgoda_(?P<kind>[a-z]{1,20})_(?P<secret>[0-9A-Za-z]{30})(?P<checksum>[0-9A-Za-z]{6})", re.ASCII
)


def issue(kind: str) -> str:
    """A new key of a kind."""
    head = f"zgoda_{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return head + checksum(head)


def checksum(head: str) -> str:
    """CRC-32 (ISO 3309) of what stands before it, six base62 digits."""
    number = zlib.crc32(head.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def kind_of(key: str) -> str | None:
    """The kind that a well-formed key names; None when form, kind or checksum is wrong."""
    found = _FORM.fullmatch(key)
    if found is None or found["kind"] not in KINDS:
        return None
    return found["kind"] if found["checksum"] == checksum(key[:-_CHECKSUM_LENGTH]) else None


def digest(key: str) -> bytes:
    """What is kept of a key: SHA-256, 32 bytes."""
    return sha256(key.encode("ascii")).digest()
