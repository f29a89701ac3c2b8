"""What the API takes and gives about requests of persons."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from registry.contacts.schemas import Subject
from registry.standing.permits import FlyingPermit, OpenPermit
from registry.subject_requests.restriction import Because


class NewRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A request of one person, to be done now."""

    kind: Literal["access", "restriction", "erasure"]
    subject: Subject
    because: Because = "accuracy"
    """Why the use of the data is restricted (GDPR art. 18(1)(a) to (d))."""
    lift: bool = False
    """End a restriction, once the person was told."""
    ground: Literal["a", "b", "c", "d", "e", "f"] | None = None
    """Erasure: the point of GDPR art. 17(1) that was invoked. It is kept in the log; no ground has to be shown."""


class Completed(Struct, frozen=True, omit_defaults=True):
    """A request that was done; what comes beside depends on its kind."""

    id: UUID
    kind: str
    contact: UUID
    state: str
    package: dict[str, Any] | None = None
    """Access: everything stored about the person. It is never kept."""
    erased_at: datetime | None = None
    certified_at: datetime | None = None
    """When the last key that could read a backup was destroyed; until then `zgoda keys rotate` is due."""
    already: bool = False
    permits_voided: list[OpenPermit] = []
    """Restriction and erasure: permits of engines outside that were open at that instant, and are void since."""
    permits_in_flight: list[FlyingPermit] = []
    """Permits that were redeemed in the five minutes before: their messages may be out, or on the way."""
    counts: dict[str, int] = {}
