"""Every area that holds something about a person, in the order in which an erasure goes through them."""

from collections.abc import Collection
from typing import Any, Protocol
from uuid import UUID

from registry.audit import subject as audit
from registry.consents import subject as consents
from registry.contacts import subject as contacts
from registry.dispatch import subject as dispatch
from registry.gate import subject as gate
from registry.keys import subject as keys
from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.standing import subject as standing
from registry.subject_requests import subject as subject_requests


class Area(Protocol):
    """A module `subject` of an area; `TABLES` are those that it answers for."""

    @property
    def TABLES(self) -> tuple[str, ...]: ...  # noqa: N802  # a constant of the module

    async def export(
        self, session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys
    ) -> dict[str, Any]: ...

    async def erase(
        self, session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()
    ) -> dict[str, int]: ...


# Messages before the rest, so that nothing is sent from what is half gone; `standing` before `contacts`, for the
# assignments say which addresses it marks; the keys are locked before and go first of all.
AREAS: dict[str, Area] = {
    "keys": keys,
    "dispatch": dispatch,
    "gate": gate,
    "consents": consents,
    "standing": standing,
    "contacts": contacts,
    "subject_requests": subject_requests,
    "audit": audit,
}
