"""The tokens in links: each names person and matter to us and nothing to anybody else.

One-click holds for ever; a confirmation for one request until its term; preferences show and give for a while and
take back for ever. None is stored: AES-SIV (RFC 5297) needs no nonce and authenticates, so the same matter gives
the same token, and a message can be made again byte for byte.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ONE_CLICK = b"zgoda/one-click/v1"
_CONFIRMATION = b"zgoda/confirmation/v1"
_PREFERENCES = b"zgoda/preferences/v1"
_TAG = 16
LENGTH = (16 + 16 + 2 + _TAG) * 8 // 6 + 1


@dataclass(frozen=True, slots=True)
class OneClick:
    """What a token says: this person, at this address, for this purpose (its number in `policies.ids`)."""

    contact_id: UUID
    assignment_id: UUID
    purpose_id: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """This request of this person, for this purpose; made at `requested_at`, in seconds since 1970."""

    contact_id: UUID
    entry_id: UUID
    purpose_id: int
    requested_at: int


@dataclass(frozen=True, slots=True)
class Preferences:
    """The choices of this person towards the controller of this purpose, mailed to this address at `issued_at`.

    `issued_at` is in seconds since 1970; 0 for a link that was never fresh, which shows nothing and only takes back.
    """

    contact_id: UUID
    assignment_id: UUID
    purpose_id: int
    issued_at: int


@lru_cache(maxsize=12)
def _cipher(key: bytes, label: bytes) -> AESSIV:
    return AESSIV(HKDF(algorithm=SHA256(), length=64, salt=None, info=label).derive(key))


def seal(key: bytes, token: OneClick) -> str:
    """The opaque token, 67 characters of base64url without padding; the same input gives the same token.

    `key` is `ring.token`, which neither rotation nor erasure touches: links in old mails must go on working
    (RFC 8058 3.1).
    """
    return _seal(
        key,
        _ONE_CLICK,
        token.contact_id.bytes + token.assignment_id.bytes + token.purpose_id.to_bytes(2, "big"),
    )


def open_token(key: bytes, text: str) -> OneClick | None:
    """What `text` names, or None when we never made it."""
    plain = _open(key, _ONE_CLICK, text, 34)
    return None if plain is None else OneClick(*_three(plain))


def seal_confirmation(key: bytes, token: Confirmation) -> str:
    """The opaque token of one request, 72 characters."""
    return _seal(
        key, _CONFIRMATION, _dated(token.contact_id, token.entry_id, token.purpose_id, token.requested_at)
    )


def open_confirmation(key: bytes, text: str) -> Confirmation | None:
    """The request that `text` names, or None when we never made it."""
    plain = _open(key, _CONFIRMATION, text, 38)
    return None if plain is None else Confirmation(*_three(plain), int.from_bytes(plain[34:], "big"))


def seal_preferences(key: bytes, token: Preferences) -> str:
    """The opaque token of a person's choices, 72 characters."""
    return _seal(
        key, _PREFERENCES, _dated(token.contact_id, token.assignment_id, token.purpose_id, token.issued_at)
    )


def open_preferences(key: bytes, text: str) -> Preferences | None:
    """Whose choices `text` names, or None when we never made it."""
    plain = _open(key, _PREFERENCES, text, 38)
    return None if plain is None else Preferences(*_three(plain), int.from_bytes(plain[34:], "big"))


def _dated(contact_id: UUID, other: UUID, purpose_id: int, seconds: int) -> bytes:
    return contact_id.bytes + other.bytes + purpose_id.to_bytes(2, "big") + seconds.to_bytes(4, "big")


def _three(plain: bytes) -> tuple[UUID, UUID, int]:
    return UUID(bytes=plain[:16]), UUID(bytes=plain[16:32]), int.from_bytes(plain[32:34], "big")


def _seal(key: bytes, label: bytes, plain: bytes) -> str:
    return urlsafe_b64encode(_cipher(key, label).encrypt(plain, [label])).rstrip(b"=").decode("ascii")


def _open(key: bytes, label: bytes, text: str, length: int) -> bytes | None:
    """The plain bytes, exactly `length` of them. A kind of token is sealed under a key of its own kind alone."""
    if len(text) != ((length + _TAG) * 8 + 5) // 6 or not text.isascii():
        return None
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = _cipher(key, label).decrypt(sealed, [label])
    except (InvalidTag, binascii.Error, ValueError):
        return None
    return plain if len(plain) == length else None
