"""The one-click token: names person, address and purpose to us and nothing to anybody else, for ever."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LABEL = b"zgoda/one-click/v1"
_PLAIN = 16 + 16 + 2
_TAG = 16
LENGTH = (_PLAIN + _TAG) * 8 // 6 + 1


@dataclass(frozen=True, slots=True)
class OneClick:
    """What a token says: this person, at this address, for this purpose (its number in `policies.ids`)."""

    contact_id: UUID
    assignment_id: UUID
    purpose_id: int


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(HKDF(algorithm=SHA256(), length=64, salt=None, info=_LABEL).derive(key))


def seal(key: bytes, token: OneClick) -> str:
    """The opaque token, 67 characters of base64url without padding; the same input gives the same token.

    `key` is `ring.token`, which neither rotation nor erasure touches: links in old mails must go on working
    (RFC 8058 3.1). AES-SIV (RFC 5297) needs no nonce and authenticates.
    """
    plain = token.contact_id.bytes + token.assignment_id.bytes + token.purpose_id.to_bytes(2, "big")
    return urlsafe_b64encode(_cipher(key).encrypt(plain, [_LABEL])).rstrip(b"=").decode("ascii")


def open_token(key: bytes, text: str) -> OneClick | None:
    """What `text` names, or None when we never made it."""
    if len(text) != LENGTH:
        return None
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = _cipher(key).decrypt(sealed, [_LABEL])
    except (InvalidTag, binascii.Error, ValueError):
        return None
    if len(plain) != _PLAIN:
        return None
    return OneClick(UUID(bytes=plain[:16]), UUID(bytes=plain[16:32]), int.from_bytes(plain[32:], "big"))
