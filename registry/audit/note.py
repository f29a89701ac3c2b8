"""C2SP signed notes with Ed25519, so that checkpoints are signed and opened as every transparency log does it."""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_SIGNATURE_MARK = "\u2014 "
_VKEY = re.compile(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")


class NoteInvalid(ValueError):
    """The bytes are not a signed note, or no signature that we trust holds."""


class KeyInvalid(ValueError):
    """The text is not a verifier key."""


class Signer(Protocol):
    """Whoever adds a signature line; a witness or an ML-DSA key may stand beside the Ed25519 one."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    def sign(self, text: bytes) -> bytes:
        """What follows the key id in the signature line."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4-byte id, and what that algorithm appends."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        return f"{_SIGNATURE_MARK}{self.name} {base64.b64encode(self.key_id + self.value).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note: text that ends with a newline, and its signature lines in order."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> str:
        return self.text + "\n" + "".join(each.line() for each in self.signatures)


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 verifier key."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, ED25519, self.public)

    @property
    def vkey(self) -> str:
        """`name+hex(key id)+base64(0x01 || key)`."""
        key = base64.b64encode(bytes([ED25519]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def holds(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """KeyInvalid: not of that form, another algorithm, or the id is not that of the key."""
        match = _VKEY.fullmatch(vkey)
        if match is None:
            raise KeyInvalid("a verifier key reads name+8 hex digits+base64")
        name, identity, encoded = match.groups()
        try:
            data = decode_base64(encoded)
        except ValueError as error:
            raise KeyInvalid("the last part of the verifier key is not base64") from error
        if len(data) != 33 or data[0] != ED25519:
            raise KeyInvalid("only Ed25519 verifier keys are known")
        verifier = cls(check_name(name), data[1:])
        if verifier.key_id.hex() != identity:
            raise KeyInvalid("the id in the verifier key is not that of its key")
        return verifier


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """Signs notes under a name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(check_name(self.name), self.private.public_key().public_bytes_raw())

    @property
    def key_id(self) -> bytes:
        return self.verifier.key_id

    def sign(self, text: bytes) -> bytes:
        return self.private.sign(text)


def key_id(name: str, algorithm: int, key: bytes) -> bytes:
    """The first 4 bytes of SHA-256(name || 0x0A || algorithm || key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + key).digest()[:4]


def sign(text: str, signers: Sequence[Signer]) -> Note:
    """Sign `text`, one line for each signer in the given order. ValueError: the text cannot be a note."""
    _check_text(text)
    if not signers:
        raise ValueError("a note needs a signature")
    raw = text.encode()
    return Note(text, tuple(Signature(check_name(s.name), s.key_id, s.sign(raw)) for s in signers))


def parse(raw: bytes) -> Note:
    """Take a note apart without trusting it. NoteInvalid: anything that the specification does not allow."""
    if len(raw) > MAX_NOTE_BYTES:
        raise NoteInvalid("the note is too long")
    try:
        message = raw.decode()
    except UnicodeDecodeError as error:
        raise NoteInvalid("the note is not UTF-8") from error
    text, blank, lines = message.rpartition("\n\n")
    text += "\n"
    if not blank or not lines.endswith("\n"):
        raise NoteInvalid("the note has no signature lines")
    _check_text(text)
    parts = lines[:-1].split("\n")
    if len(parts) > MAX_SIGNATURES:
        raise NoteInvalid("the note has too many signatures")
    return Note(text, tuple(_parse_signature(line) for line in parts))


def open_note(raw: bytes, verifiers: Sequence[Verifier]) -> Note:
    """The note, with only those signatures that were verified.

    Lines of keys that we do not know are passed over; a false line of one that we know refuses the note, and
    so does a note without any line of ours. NoteInvalid says which.
    """
    note = parse(raw)
    known = {(each.name, each.key_id): each for each in verifiers}
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in note.signatures:
        identity = (signature.name, signature.key_id)
        verifier = known.get(identity)
        if verifier is None or identity in verified:
            continue
        if not verifier.holds(note.text.encode(), signature.value):
            raise NoteInvalid(f"the signature of {signature.name} does not hold")
        verified[identity] = signature
    if not verified:
        raise NoteInvalid("the note is not signed with the given key")
    return Note(note.text, tuple(verified.values()))


def check_name(name: str) -> str:
    """The name of a key: not empty, no white space, no plus sign, no control characters. KeyInvalid otherwise."""
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise KeyInvalid("the name of a key is not empty and has neither spaces nor a plus sign")
    return name


def decode_base64(text: str) -> bytes:
    """Standard base64, only as an encoder would have written it. ValueError otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteInvalid("the text of a note ends with a newline")
    if any(c < " " and c != "\n" for c in text):
        raise NoteInvalid("the text of a note has no control characters")


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    if not line.startswith(_SIGNATURE_MARK) or not space:
        raise NoteInvalid("a signature line reads: \u2014 name base64")
    try:
        data = decode_base64(encoded)
        check_name(name)
    except ValueError as error:
        raise NoteInvalid("a signature line reads: \u2014 name base64") from error
    if len(data) < 5:
        raise NoteInvalid("a signature is shorter than its key id")
    return Signature(name, data[:4], data[4:])
