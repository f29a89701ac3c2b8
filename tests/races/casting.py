"""The persons of a race: made by the product's own services, with everybody who plays beside them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import service as consents
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.policy.model import Grade
from tests.dispatch.people import CALLER, persons
from tests.races.plans import Plan
from tests.races.stage import CHANNEL, PURPOSE, Scene


async def cast(workspace: Workspace, plans: Mapping[int, Plan]) -> dict[int, Scene]:
    """Persons who agreed, people who share their addresses, and second records of some."""
    addresses = {number: f"p{number}@example.org" for number in plans}
    people = dict(zip(plans, await persons(workspace, list(addresses.values())), strict=True))
    shared = [number for number, one in plans.items() if one.shared]
    doubled = [number for number, one in plans.items() if one.duplicate]
    sharers = await persons(workspace, [addresses[number] for number in shared], granted=False)
    quiet = [number for number in doubled if not plans[number].duplicate_no]
    refusing = [number for number in doubled if plans[number].duplicate_no]
    silent = await persons(workspace, [f"d{number}@example.org" for number in quiet], granted=False)
    against = await persons(workspace, [f"d{number}@example.org" for number in refusing])
    await _refuse(workspace, against)
    sharer_of = dict(zip(shared, sharers, strict=True))
    double_of = dict(zip([*quiet, *refusing], [*silent, *against], strict=True))
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%s)",
            ([*people.values(), *sharers],),
        )
    assigned: dict[UUID, UUID] = {row.contact_id: row.id for row in rows}
    return {
        number: Scene(
            contact,
            assigned[contact],
            addresses[number],
            sharer_of.get(number),
            assigned.get(sharer_of.get(number)),  # type: ignore[arg-type]  # None is nobody
            double_of.get(number),
            plans[number].duplicate_no,
        )
        for number, contact in people.items()
    }


async def _refuse(workspace: Workspace, people: Sequence[UUID]) -> None:
    noes = [NewEntry(one, EntryKind.WITHDRAWN, PURPOSE, CHANNEL, Grade.FIRST_PARTY, "race") for one in people]
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, people)
        await consents.record(session, workspace.ring, workspace.policies, noes)


def told(scene: Scene) -> dict[str, Any]:
    """A scene as JSON."""
    values = {name: getattr(scene, name) for name in Scene.__slots__}
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def scene_of(told: Mapping[str, Any]) -> Scene:
    """The same back."""
    return Scene(
        **{
            name: UUID(value) if isinstance(value, str) and name != "address" else value
            for name, value in told.items()
        }
    )
