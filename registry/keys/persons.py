"""Persons' keys: one random AES-256 key for each retention class, kept as one wrapped blob."""

import hmac
import os
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.keys.columns import COLUMNS, KeyClass, SealedColumn
from registry.keys.ring import Epoch, KeyRing
from registry.kit import sealing
from registry.kit.database import Session

WRAP_MAGIC = b"\xe5ZK"
WRAP_HEADER = struct.Struct(">3sBI16sI12s")
_BLOB = len(KeyClass) * 32
_GONE = bytes(32)

Wrapped = tuple[int, bytes]
"""The number of the epoch, and a person's keys as its key wraps them: what a row of `person_key` holds."""


class PersonKeys:
    """One person's keys; a class whose key was destroyed opens and seals nothing."""

    __slots__ = ("_ciphers", "_keys", "contact_id")

    def __init__(self, contact_id: UUID, keys: bytes) -> None:
        self.contact_id = contact_id
        self._keys = keys
        self._ciphers: dict[KeyClass, AESGCM] = {}

    @classmethod
    def generate(cls, contact_id: UUID) -> "PersonKeys":
        return cls(contact_id, os.urandom(_BLOB))

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, PersonKeys) and self.contact_id == other.contact_id
        return same and hmac.compare_digest(self._keys, cast(PersonKeys, other)._keys)

    def __hash__(self) -> int:
        return hash((self.contact_id, self._keys))

    def has(self, key_class: KeyClass) -> bool:
        return self._keys[key_class * 32 : key_class * 32 + 32] != _GONE

    def _cipher(self, key_class: KeyClass) -> AESGCM:
        cipher = self._ciphers.get(key_class)
        if cipher is None:
            if not self.has(key_class):
                raise sealing.Unopenable
            cipher = AESGCM(self._keys[key_class * 32 : key_class * 32 + 32])
            self._ciphers[key_class] = cipher
        return cipher

    def seal(self, column: SealedColumn, plain: bytes) -> bytes:
        """Encrypt a value for one column of this person's rows."""
        contact = self.contact_id.bytes
        return sealing.seal(
            self._cipher(column.key_class),
            column.key_class,
            column.code,
            contact,
            column.associated(contact, sealing.VERSION),
            plain,
        )

    def open(self, column: SealedColumn, blob: bytes) -> bytes:
        """Decrypt a value; Unopenable when it is another person's, another column's, or its key is gone."""
        parts = sealing.parse(blob)
        contact = self.contact_id.bytes
        if (parts.contact, parts.column, parts.key_class) != (contact, column.code, column.key_class):
            raise sealing.Unopenable
        return sealing.unseal(
            self._cipher(column.key_class), parts, column.associated(contact, sealing.VERSION)
        )

    def open_any(self, parts: sealing.Parts) -> bytes:
        """Decrypt a ciphertext found by its header alone; Unopenable when no key here fits."""
        column = COLUMNS.get(parts.column)
        if column is None:
            raise sealing.Unopenable
        return sealing.unseal(
            self._cipher(column.key_class), parts, column.associated(parts.contact, sealing.VERSION)
        )

    def keeping(self, classes: Iterable[KeyClass]) -> "PersonKeys":
        """The same person with only the keys of `classes`: all others are destroyed."""
        kept = set(classes)
        return PersonKeys(
            self.contact_id,
            b"".join(self._keys[c * 32 : c * 32 + 32] if c in kept else _GONE for c in KeyClass),
        )

    def wrap(self, epoch: Epoch) -> bytes:
        """The keys as a blob that only the epoch's key opens."""
        nonce = os.urandom(12)
        contact = self.contact_id.bytes
        body = epoch.cipher.encrypt(nonce, self._keys, _wrap_associated(contact, epoch.number))
        return WRAP_HEADER.pack(WRAP_MAGIC, 1, epoch.number, contact, len(body), nonce) + body


def unwrap(epoch: Epoch, blob: bytes, cipher: AESGCM | None = None) -> PersonKeys:
    """Open a wrapped blob; Unopenable when it is damaged or another epoch's.

    `cipher` is the epoch's, from a caller who has many to open.
    """
    contact, keys = _unwrapped(epoch.number, cipher or epoch.cipher, blob)
    return PersonKeys(UUID(bytes=contact), keys)


def _unwrapped(number: int, cipher: AESGCM, blob: bytes) -> tuple[bytes, bytes]:
    """The contact's id and the keys in a wrapped blob."""
    if len(blob) < WRAP_HEADER.size:
        raise sealing.Unopenable
    magic, _version, named, contact, length, nonce = WRAP_HEADER.unpack_from(blob)
    if magic != WRAP_MAGIC or named != number:
        raise sealing.Unopenable
    body = blob[WRAP_HEADER.size : WRAP_HEADER.size + length]
    try:
        return contact, cipher.decrypt(nonce, body, _wrap_associated(contact, number))
    except InvalidTag as error:
        raise sealing.Unopenable from error


_WRAPPED = b"person_key\x00"


def _wrap_associated(contact: bytes, epoch: int) -> bytes:
    return _WRAPPED + contact + epoch.to_bytes(4, "big")


async def create(session: Session, ring: KeyRing, ids: Sequence[UUID]) -> dict[UUID, PersonKeys]:
    """New keys for new persons, wrapped under the current epoch."""
    epoch = ring.current
    made = {contact_id: PersonKeys.generate(contact_id) for contact_id in ids}
    await session.copy(
        "person_key",
        ("contact_id", "epoch", "wrapped"),
        ((contact_id, epoch.number, keys.wrap(epoch)) for contact_id, keys in made.items()),
    )
    session.fresh_keys.update(made)
    return made


def ask(session: Session, contact_id: UUID) -> None:
    """Put the question for a person's keys ahead, so that it goes with others; `load` takes the answer, once."""
    session.ahead["person_key", contact_id] = session.ask(
        "SELECT contact_id, epoch, wrapped FROM person_key WHERE contact_id = %s", (contact_id,)
    )


async def load(session: Session, ring: KeyRing, ids: Iterable[UUID]) -> dict[UUID, PersonKeys]:
    """The keys of persons who still have any; KeyEpochMissing when the ring lacks an epoch that a row names."""
    wanted = set(ids)
    fresh = session.fresh_keys
    found: dict[UUID, PersonKeys] = {one: fresh[one] for one in wanted if one in fresh} if fresh else {}
    for one in wanted:
        if (asked := session.ahead.pop(("person_key", one), None)) is not None:
            found |= opened(ring, await asked.all())
    stored = [one for one in wanted if one not in found]
    if stored:
        found |= opened(
            ring,
            await session.all(
                "SELECT contact_id, epoch, wrapped FROM person_key WHERE contact_id = ANY(%b::uuid[])",
                (stored,),
            ),
        )
    return found


async def wrapped(session: Session, ids: Iterable[UUID]) -> dict[UUID, Wrapped]:
    """The keys of persons who still have any, as they are kept: for `seal_each`."""
    rows = await session.all_binary(
        "SELECT contact_id, epoch, wrapped FROM person_key WHERE contact_id = ANY(%b::uuid[])", (list(ids),)
    )
    return {contact_id: (number, blob) for contact_id, number, blob in rows}


def opened(ring: KeyRing, rows: Iterable[tuple[UUID, int, bytes]]) -> dict[UUID, PersonKeys]:
    """The keys in rows of `person_key` (contact, epoch, wrapped); KeyEpochMissing when the ring lacks an epoch."""
    unwrapped = opener(ring)
    return {contact_id: unwrapped(number, wrapped) for contact_id, number, wrapped in rows}


def opener(ring: KeyRing) -> Callable[[int, bytes], PersonKeys]:
    """`unwrap` by the number of the epoch, for one batch: each epoch is looked up once."""
    epochs: dict[int, tuple[Epoch, AESGCM]] = {}

    def opening(number: int, wrapped: bytes) -> PersonKeys:
        found = epochs.get(number)
        if found is None:
            epoch = ring.epoch(number)
            found = epochs[number] = (epoch, epoch.cipher)
        return unwrap(found[0], wrapped, found[1])

    return opening


def seal_each(
    ring: KeyRing, column: SealedColumn, held: Sequence[Wrapped], plain: Sequence[bytes]
) -> list[bytes]:
    """One value for each of many persons, sealed for `column` under their own keys; b"" where that key is gone.

    `unwrap(...).seal(...)` for hot paths: it makes no object that outlives a value, and is twice as fast.
    """
    key_class = column.key_class
    first, last = key_class * 32, key_class * 32 + 32
    before, after = column.around(sealing.VERSION)
    ciphers: dict[int, AESGCM] = {}
    drawn = os.urandom(12 * len(held))
    made: list[bytes] = []
    place = 0
    for (number, blob), value in zip(held, plain, strict=True):
        cipher = ciphers.get(number)
        if cipher is None:
            cipher = ciphers[number] = ring.epoch(number).cipher
        contact, keys = _unwrapped(number, cipher, blob)
        key = keys[first:last]
        if key == _GONE:
            made.append(b"")
        else:
            bound = before + contact + after
            nonce = drawn[place : place + 12]
            made.append(sealing.seal(AESGCM(key), key_class, column.code, contact, bound, value, nonce))
        place += 12
    return made
