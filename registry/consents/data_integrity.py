"""Signs a JSON document as W3C Data Integrity does, with the suite eddsa-jcs-2022, so that others' tools verify it.

RFC 8785 for the bytes, SHA-256, Ed25519. A secured document is its canonical bytes and no others: whoever changes a
single one, white space included, has another document, which is refused. Pure.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SUITE = "eddsa-jcs-2022"
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519 = b"\xed\x01"
_OPTIONS = {"@context", "created", "cryptosuite", "proofPurpose", "proofValue", "type", "verificationMethod"}


class DocumentInvalid(ValueError):
    """The document is not what was signed, or not signed with this key."""


def base58(data: bytes) -> str:
    """Base58 in Bitcoin's alphabet, as multibase `z` has it."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58(text: str, length: int) -> bytes:
    """The `length` bytes that `base58` writes so; DocumentInvalid for any other text."""
    number = 0
    for character in text:
        digit = _ALPHABET.find(character)
        if digit < 0:
            raise DocumentInvalid("the signature is not base58")
        number = number * 58 + digit
    try:
        data = number.to_bytes(length, "big")
    except OverflowError:
        raise DocumentInvalid("the signature is too long") from None
    if base58(data) != text:
        raise DocumentInvalid("the signature is not as it was written")
    return data


def method(public: bytes) -> str:
    """The name of an Ed25519 key that holds the key itself: a DID URL of the method `key`."""
    named = "z" + base58(_ED25519 + public)
    return f"did:key:{named}#{named}"


def hash_data(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    """What is signed: SHA-256 of the canonical options, then of the canonical document without its proof."""
    return sha256(_canonical(options)).digest() + sha256(_canonical(document)).digest()


def secure(document: Mapping[str, Any], private: Ed25519PrivateKey, created: str) -> bytes:
    """The document with its proof, as canonical bytes; `created` is an instant with `Z`."""
    options = {
        "@context": document["@context"],
        "created": created,
        "cryptosuite": SUITE,
        "proofPurpose": "assertionMethod",
        "type": "DataIntegrityProof",
        "verificationMethod": method(private.public_key().public_bytes_raw()),
    }
    value = "z" + base58(private.sign(hash_data(document, options)))
    return _canonical({**document, "proof": {**options, "proofValue": value}})


def verify(raw: bytes, public: bytes) -> dict[str, Any]:
    """The document of these bytes, without its proof; DocumentInvalid when a byte was changed or the key is another.

    A line end after the last byte is let pass, as editors and terminals add one.
    """
    raw = raw.removesuffix(b"\n")
    try:
        document = json.loads(raw, object_pairs_hook=_unique)
        canonical = _canonical(document)
    except DocumentInvalid:
        raise
    except (ValueError, RecursionError, TypeError):
        raise DocumentInvalid("the document is not JSON") from None
    if not isinstance(document, dict) or canonical != raw:
        raise DocumentInvalid("the document is not in its canonical form")
    proof = document.pop("proof", None)
    if not isinstance(proof, dict) or set(proof) != _OPTIONS:
        raise DocumentInvalid("the document carries no proof of this suite")
    value = proof.pop("proofValue")
    if (proof["type"], proof["cryptosuite"]) != ("DataIntegrityProof", SUITE):
        raise DocumentInvalid("the document carries no proof of this suite")
    if proof["proofPurpose"] != "assertionMethod" or proof["@context"] != document.get("@context"):
        raise DocumentInvalid("the proof is for something else")
    if proof["verificationMethod"] != method(public):
        raise DocumentInvalid("the document is signed with another key")
    if not isinstance(value, str) or not value.startswith("z"):
        raise DocumentInvalid("the signature is not base58")
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(from_base58(value[1:], 64), hash_data(document, proof))
    except InvalidSignature:
        raise DocumentInvalid("the signature does not hold") from None
    return document


def _canonical(value: Any) -> bytes:
    written: bytes = rfc8785.dumps(value)
    return written


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise DocumentInvalid("a key is there twice")
    return made
