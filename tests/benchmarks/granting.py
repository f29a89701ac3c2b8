"""A grant with all that belongs to it, by eight writers: ledger, state, gate rows and audit entry, in one commit."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import cycle
from time import perf_counter
from uuid import UUID

from registry.consents import acts
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts.queries import Reference
from registry.kit import clock
from registry.kit.database import Role, Session
from registry.kit.ids import NIL, new_id
from registry.policy.model import Grade
from tests.benchmarks import installations, people
from tests.benchmarks.figures import Figure, Goal, against
from tests.benchmarks.installations import CALLER, Place
from tests.benchmarks.sizes import Sizes

_GOAL = Goal(0.5, of_ratio=True)
_WRITERS = 8


async def measure(sizes: Sizes) -> list[Figure]:
    """Grants and withdrawals a second, against one bare row a commit over as many connections from one process."""
    async with installations.place() as place:
        persons = await people.subscribers(place, sizes.checked_persons // 4)
        async with place.workspace.database.begin(CALLER) as session:
            rows = await session.all(
                "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%s)", (persons,)
            )
        async with place.workspace.database.begin(CALLER, Role.OWNER) as session:
            await session.execute(
                "CREATE TABLE bare (id uuid PRIMARY KEY, kind smallint, purpose text, channel text, at timestamptz)"
            )
            await session.execute("GRANT INSERT ON bare TO zgoda_app")
        await place.vacuum()
        assigned = [(row.contact_id, row.id) for row in rows]

        async def granted() -> float:
            return await _rate(place, sizes, assigned, _grant)

        async def withdrawn() -> float:
            return await _rate(place, sizes, assigned, _withdraw)

        async def bare() -> float:
            return await _rate(place, sizes, assigned, _insert)

        grants = await against(
            f"grant, {_WRITERS} writers",
            "grants/s",
            granted,
            "bare inserts/s, as many writers",
            bare,
            rounds=sizes.rounds,
            goal=_GOAL,
        )
        withdrawals = await against(
            f"withdrawal, {_WRITERS} writers",
            "withdrawals/s",
            withdrawn,
            "bare inserts/s, as many writers",
            bare,
            rounds=sizes.rounds,
            goal=_GOAL,
        )
    note = (
        "one person a transaction, committed and durable: lock, ledger, gate rows, sealed audit entry;"
        " the limit is one row and its commit from the same process"
    )
    return [grants.noted(note), withdrawals.noted(f"{note}; the journal outside the database as well")]


Write = Callable[[Place, UUID, UUID, Session], Awaitable[object]]


async def _rate(place: Place, sizes: Sizes, assigned: list[tuple[UUID, UUID]], write: Write) -> float:
    """How often a second `write` was committed."""
    turns = cycle(assigned)
    done = 0
    began = perf_counter()
    until = began + sizes.seconds

    async def writer() -> None:
        nonlocal done
        while perf_counter() < until:
            await place.workspace.database.run(CALLER, partial(write, place, *next(turns)))
            done += 1

    await asyncio.gather(*(writer() for _ in range(_WRITERS)))
    return done / (perf_counter() - began)


async def _grant(place: Place, contact: UUID, assignment: UUID, session: Session) -> None:
    entry = NewEntry(
        NIL,
        EntryKind.GRANTED,
        "newsletter",
        "email",
        Grade.FIRST_PARTY,
        "form",
        assignment_id=assignment,
        acted_at=clock.now(),
        act="ticked",
        notice_version=1,
        notice_locale="en",
    )
    workspace = place.workspace
    await acts.act(session, workspace.ring, workspace.policies, Reference(contact, None), entry)


async def _withdraw(place: Place, contact: UUID, _: UUID, session: Session) -> None:
    entry = NewEntry(NIL, EntryKind.WITHDRAWN, "newsletter", "email", Grade.FIRST_PARTY, "form")
    workspace = place.workspace
    await acts.act(session, workspace.ring, workspace.policies, Reference(contact, None), entry)


async def _insert(place: Place, contact: UUID, _: UUID, session: Session) -> None:
    await session.execute(
        "INSERT INTO bare (id, kind, purpose, channel, at) VALUES (%s, 1, 'newsletter', 'email', %s)",
        (new_id(), clock.now()),
    )
