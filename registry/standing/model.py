"""The facts of one gate row, as small numbers with a meaning for each."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class ContactState(IntEnum):
    ACTIVE = 0
    ERASED = 1


class AddressState(IntEnum):
    """Whether there is an address to reach; a channel that needs none has always a current one."""

    MISSING = 0
    CURRENT = 1
    DEAD = 2


class Mark(IntEnum):
    """A fact that is there or is not; of a "no" also one that a consent lifted, for as long as that consent is good."""

    NO = 0
    YES = 1
    LIFTED = 2

    @property
    def gravity(self) -> int:
        """Of several records of one person the gravest stands: a "no" before one that was lifted."""
        return (0, 2, 1)[self]


class Parental(IntEnum):
    """Whether a grant needed the authority of a parent (GDPR art. 8), and whether it has it."""

    NOT_NEEDED = 0
    VERIFIED = 1
    NONE = 2


class Consent(IntEnum):
    """What the ledger's entries for one scope add up to."""

    MISSING = 0
    UNKNOWN_ORIGIN = 1
    REFUSED = 2
    WITHDRAWN = 3
    UNCONFIRMED = 4
    GIVEN = 5


# Not frozen: a frozen one takes three times as long to make, and an import makes millions.
@dataclass(slots=True)
class GateState:
    """One row of `gate_state`: everything that a decision about one scope depends on."""

    contact_id: UUID
    assignment_id: UUID
    address_id: UUID
    evidence: UUID
    restricted_at: datetime
    consented_at: datetime
    valid_until: datetime
    verified_at: datetime
    active_at: datetime
    capped_until: datetime
    seq: int
    purpose_id: int
    channel_id: int
    contact_state: int
    address_state: int
    addresses: int
    suppressed: int
    objected: int
    consent: int
    grade: int
    notice_version: int
    basis_facts: int
    soft_opt_in: int
    parental: int
    listed: int
    clock: int
    jurisdiction: int
