"""Every sealed column there is: what seals it, so that access, rotation and the residue scan miss none."""

from dataclasses import dataclass
from enum import IntEnum


class KeyClass(IntEnum):
    """The retention classes, each with a key of its own per person; the number names the key in a ciphertext."""

    IDENTITY = 0
    PROFILE = 1
    HISTORY = 2
    MESSAGES = 3
    AUDIT = 4
    PROOF = 5
    HOLD = 6


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """One column of ciphertexts; `code` is stable for ever."""

    code: int
    table: str
    column: str
    key_class: KeyClass

    def associated(self, contact_id: bytes, version: int) -> bytes:
        """What a ciphertext is bound to: table, column, contact and format version."""
        before, after = self.around(version)
        return before + contact_id + after

    def around(self, version: int) -> tuple[bytes, bytes]:
        """What stands before and after the contact there: the same for everybody."""
        return f"{self.table}\x00{self.column}\x00".encode(), bytes([version])


ASSIGNMENT_VALUE = SealedColumn(1, "assignment", "value", KeyClass.IDENTITY)
FIELD_VALUE = SealedColumn(2, "contact_field", "value", KeyClass.PROFILE)
ENTRY_EVIDENCE = SealedColumn(3, "consent_entry", "evidence", KeyClass.PROOF)
GROUND_EVIDENCE = SealedColumn(4, "ground", "evidence", KeyClass.PROOF)
OPENING_NONCE = SealedColumn(5, "audit_opening", "nonce", KeyClass.AUDIT)
MESSAGE_VALUES = SealedColumn(6, "message", "values", KeyClass.MESSAGES)
DEVICE_VALUE = SealedColumn(7, "device", "value", KeyClass.IDENTITY)

COLUMNS = {
    column.code: column
    for column in (
        ASSIGNMENT_VALUE,
        FIELD_VALUE,
        ENTRY_EVIDENCE,
        GROUND_EVIDENCE,
        OPENING_NONCE,
        MESSAGE_VALUES,
        DEVICE_VALUE,
    )
}
