"""Whom a reference names, and still names when they are locked: a "no" by address reaches whoever has it by then.

Who has an address changes by an import, a form, a change of address, a merge parted, an erasure. What of that was under
way commits between the look and the lock, so it is looked again in a statement after the lock: under the locks of the
persons and of the address nobody gets it and nobody loses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry.contacts import queries, service
from registry.contacts.queries import Holder, Reference
from registry.contacts.service import ContactGone
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Overtaken


class Contended(Overtaken):
    """Whom the reference names was changed between the look and the lock; nothing was recorded."""

    def __init__(self) -> None:
        super().__init__(
            "contact.contended", "Others keep changing who has this address.", mend="send it again"
        )


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a reference names at one instant, in id order; `holders` have the identifier, and none for an id of ours."""

    reference: Reference
    people: tuple[UUID, ...]
    holders: tuple[Holder, ...] = ()

    @property
    def address_id(self) -> UUID | None:
        """The row of the address that the reference is, where somebody has it."""
        return next((one.address_id for one in self.holders), None) if self.reference.by_address else None

    def assignment_of(self, contact_id: UUID) -> UUID | None:
        """A person's assignment of the address that the reference is."""
        if not self.reference.by_address:
            return None
        return next((one.assignment_id for one in self.holders if one.contact_id == contact_id), None)


async def look(session: Session, ring: KeyRing, reference: Reference) -> Named:
    """The persons whom a reference fits now; none for an unknown or erased one."""
    if reference.identifier is None:
        return Named(reference, tuple(await queries.resolve(session, ring, reference)))
    asked = queries.ask_holders(session, ring, reference.identifier)
    holders = tuple(queries.told_holders(await asked.all()))
    return Named(reference, tuple(sorted({one.contact_id for one in holders})), holders)


async def lock(session: Session, ring: KeyRing, named: Named) -> Mapping[UUID, Any]:
    """Lock the persons with their addresses (`service.lock`), and look again; the gate rows by record.

    Contended when they are not the same, or not there, any more: one of them may have been erased, and another have
    the address still.
    """
    try:
        locked = await service.lock(session, named.people, [named.address_id] if named.address_id else [])
    except ContactGone:
        raise Contended from None
    again(session, ring, named)
    return locked


def again(session: Session, ring: KeyRing, named: Named) -> None:
    """Look again, with the next statement; the locks were asked for. There Contended is raised, as for `lock`.

    An id of ours names the same person for ever.
    """
    if named.reference.identifier is None:
        return

    def same(rows: list[Any]) -> None:
        now = queries.told_holders(rows)
        if [_fact(one) for one in now] != [_fact(one) for one in named.holders]:
            raise Contended

    queries.ask_holders(session, ring, named.reference.identifier, check=same)


def _fact(holder: Holder) -> tuple[UUID, UUID]:
    return holder.contact_id, holder.assignment_id
