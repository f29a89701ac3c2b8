"""Authenticated encryption of small values (AES-256-GCM), in a form that says which key opens it."""

import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# A ciphertext can be found among arbitrary bytes and told whose it is: a scan after an erasure needs that.
MAGIC = b"\xe5ZG"
VERSION = 1
HEADER = struct.Struct(">3sBBH16sI12s")
TAG = 16


class Unopenable(Exception):
    """The ciphertext is damaged, is bound to another place, or its key is another."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A ciphertext's header: class of key, column code, contact (16 bytes), and the sealed bytes."""

    key_class: int
    column: int
    contact: bytes
    nonce: bytes
    body: bytes


def seal(
    key: AESGCM,
    key_class: int,
    column: int,
    contact: bytes,
    associated: bytes,
    plain: bytes,
    drawn: bytes | None = None,
) -> bytes:
    """Encrypt `plain`, bound to `associated`; the nonce is random, 96 bits (NIST SP 800-38D).

    Whoever seals many at once has `drawn` it, from the system's randomness and for this one value.
    """
    nonce = os.urandom(12) if drawn is None else drawn
    body = key.encrypt(nonce, plain, associated)
    return HEADER.pack(MAGIC, VERSION, key_class, column, contact, len(body), nonce) + body


def parse(blob: bytes) -> Parts:
    """Take a ciphertext apart; Unopenable when it is none."""
    if len(blob) < HEADER.size + TAG:
        raise Unopenable
    magic, version, key_class, column, contact, length, nonce = HEADER.unpack_from(blob)
    body = blob[HEADER.size : HEADER.size + length]
    if magic != MAGIC or version != VERSION or len(body) != length:
        raise Unopenable
    return Parts(key_class, column, contact, nonce, body)


def unseal(key: AESGCM, parts: Parts, associated: bytes) -> bytes:
    """Decrypt; Unopenable when the key or the place is another."""
    try:
        return key.decrypt(parts.nonce, parts.body, associated)
    except InvalidTag as error:
        raise Unopenable from error
