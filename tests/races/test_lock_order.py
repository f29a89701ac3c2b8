"""Gate rows before address rows before message rows, each in the order of ids: on every path that writes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents import acts, merging, readdressing
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.dispatch import claiming, handoff, recovery
from registry.dispatch.claiming import Office
from registry.dispatch.sink import Sink, sink
from registry.dispatch.tokens import OneClick, Preferences
from registry.exchange import listings
from registry.gate import permits
from registry.gate.permits import Wanted
from registry.kit.database import Session
from registry.kit.ids import NIL
from registry.policy.model import Grade
from registry.portal import choosing
from registry.portal import service as portal
from registry.standing import service as standing
from registry.standing.permits import find
from registry.subject_requests import erasure, restriction
from tests import persons as people
from tests.dispatch.people import CALLER, campaign, persons
from tests.exchange.files import row
from tests.exchange.loading import load_rows
from tests.races.row_locks import Watch, watching

CONTENT = sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Town:
    """Two households and a loner: whoever comes later may have the earlier address."""

    workspace: Workspace
    contacts: list[UUID]
    assignments: dict[UUID, UUID]
    folder: Path
    relay: Sink

    @property
    def loner(self) -> UUID:
        return self.contacts[-1]

    async def run(self, work: Callable[[Session], Awaitable[Any]]) -> Any:
        return await self.workspace.database.run(CALLER, work)


ADDRESSES = ["early@x.test", "late@x.test", "early@x.test", "late@x.test", "alone@x.test"]


async def _town(workspace: Workspace, folder: Path, relay: Sink) -> Town:
    made: list[UUID] = []
    for address in ADDRESSES:
        made += await persons(workspace, [address])
    # Of one person the addresses are in the other order than those of the next.
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, [made[0]])
        late = NewIdentifier(normalise(Kind.EMAIL, "late@x.test"))
        await contacts.assign(session, workspace.ring, [(made[0], late, "test")])
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT contact_id, id FROM assignment ORDER BY id DESC")
    await campaign(workspace, contact_ids=made)
    return Town(workspace, made, {one.contact_id: one.id for one in rows}, folder, relay)


def _acting(kind: EntryKind, *, by_address: str | None = None) -> Callable[[Town], Awaitable[Any]]:
    async def path(town: Town) -> None:
        reference = f"email:{by_address}" if by_address else town.contacts[0]
        more = {} if kind.takes_away else {"assignment_id": town.assignments[town.contacts[0]]}
        await people.act(town.workspace, reference, kind, **more)

    return path


async def _unheld(town: Town) -> None:
    entry = NewEntry(NIL, EntryKind.WITHDRAWN, "newsletter", "email", Grade.FIRST_PARTY, "test")
    ring, policies = town.workspace.ring, town.workspace.policies
    nobody = Reference(None, normalise(Kind.EMAIL, "nobody@x.test"))
    for _ in range(2):  # the second time the address is on record
        await town.run(lambda session: acts.act(session, ring, policies, nobody, entry))


async def _one_click(town: Town) -> None:
    who = town.contacts[1]
    token = OneClick(who, town.assignments[who], town.workspace.policies.purpose_ids["newsletter"])
    ring, policies = town.workspace.ring, town.workspace.policies
    assert await town.run(lambda session: portal.withdraw(session, ring, policies, token))


async def _preferences(town: Town) -> None:
    who = town.contacts[0]
    policies = town.workspace.policies
    purpose = policies.purposes["newsletter"]
    token = Preferences(who, town.assignments[who], policies.purpose_ids["newsletter"], 0)
    await town.run(
        lambda session: choosing.take(session, town.workspace.ring, policies, token, purpose, "email", {})
    )


async def _restrict(town: Town) -> None:
    who = Reference(town.contacts[0], None)
    await town.run(lambda session: restriction.restrict(session, town.workspace.ring, who, "accuracy"))
    await town.run(lambda session: restriction.lift(session, town.workspace.ring, who))


async def _erase(town: Town) -> None:
    workspace = town.workspace
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, Reference(town.contacts[0], None)
    )


async def _import(town: Town) -> None:
    """Rows in the wrong order, of people we know and of some we do not, one of them dead."""
    rows = [row(address) for address in ("new@x.test", *reversed(ADDRESSES), "aaa@x.test")]
    done = await load_rows(
        town.workspace, town.folder, subscribed=rows, unsubscribed=[row("late@x.test")], cleaned=rows[-2:]
    )
    assert done.counts.rows > 5


async def _merge(town: Town) -> None:
    ring, policies = town.workspace.ring, town.workspace.policies
    later, earlier = town.contacts[3], town.contacts[0]
    merge = await town.run(
        lambda session: merging.merge(session, ring, policies, later, earlier, "same person")
    )
    await people.act(town.workspace, earlier, EntryKind.WITHDRAWN)
    await town.run(lambda session: merging.unmerge(session, ring, policies, merge.id))


async def _change_address(town: Town) -> None:
    ring, policies = town.workspace.ring, town.workspace.policies
    who = town.loner

    async def work(session: Session) -> None:
        await readdressing.change_address(
            session, ring, policies, who, town.assignments[who], "early@x.test", source="test"
        )

    await town.run(work)


async def _create(town: Town) -> None:
    """A new person at addresses that others have, the later one named first."""
    identifiers = [
        NewIdentifier(normalise(Kind.EMAIL, address)) for address in ("late@x.test", "early@x.test")
    ]
    new = NewContact(identifiers, "test")
    await town.run(
        lambda session: contacts.create(session, town.workspace.ring, town.workspace.policies, [new])
    )


async def _permits(town: Town) -> None:
    ring, policies = town.workspace.ring, town.workspace.policies
    wanted = Wanted(Reference(town.contacts[0], None), "newsletter", "email", CONTENT)
    used, unused = [
        (await town.run(lambda session: permits.issue(session, ring, policies, wanted))).token for _ in "ab"
    ]
    await town.run(lambda session: permits.redeem(session, ring, policies, used, CONTENT))

    async def give_back(session: Session) -> None:
        await permits.void(session, ring, await find(session, unused))

    await town.run(give_back)


async def _hand_over(town: Town) -> None:
    workspace = town.workspace
    office = Office(workspace.database, workspace.ring, workspace.policies, "1", {})
    way = handoff.transport("email", town.relay.url, 1)
    await way.open()
    claimed = await claiming.claim(office, "email", 10)
    assert len(claimed) > 3
    # As they may have come out of the queue.
    await handoff.hand_over(office, way, claimed[::-1])
    await way.close()


async def _recover(town: Town) -> None:
    workspace = town.workspace
    office = Office(workspace.database, workspace.ring, workspace.policies, "1", {})
    assert await claiming.claim(office, "email", 10)
    await recovery.recover(workspace.database, workspace.ring, workspace.policies, "2")


async def _enlist(town: Town) -> None:
    policies = town.workspace.policies
    told = next(one for one in policies.lists.values() if "email" in one.channels)
    wanted = [normalise(Kind.EMAIL, address) for address in reversed(ADDRESSES)]
    await town.run(
        lambda session: listings.enlist(
            session, town.workspace.ring, policies, told, wanted, datetime.now(UTC)
        )
    )


PATHS: dict[str, Callable[[Town], Awaitable[Any]]] = {
    "withdrawal by our id": _acting(EntryKind.WITHDRAWN),
    "withdrawal by an address that several have": _acting(EntryKind.WITHDRAWN, by_address="late@x.test"),
    "objection": _acting(EntryKind.OBJECTED),
    "grant": _acting(EntryKind.GRANTED),
    "no from an address that nobody has": _unheld,
    "one-click": _one_click,
    "preference page": _preferences,
    "restriction and its end": _restrict,
    "erasure": _erase,
    "import": _import,
    "merge and parting": _merge,
    "change of address": _change_address,
    "new person": _create,
    "permits": _permits,
    "hand-off": _hand_over,
    "recovery": _recover,
    "do-not-mail list": _enlist,
}


@pytest.mark.parametrize("name", PATHS)
async def test_locks_are_taken_in_one_order(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with sink(tmp_path / "mail") as relay:
        town = await _town(workspace, tmp_path, relay)
        with watching(monkeypatch, workspace.database.urls.owner) as watch:
            await PATHS[name](town)
    assert watch.tables(), "the path locked nothing that others could see"
    assert watch.wrong() == []


async def _message_first(session: Session, town: Town) -> None:
    await session.execute("SELECT id FROM message ORDER BY id LIMIT 1 FOR NO KEY UPDATE")
    await standing.lock(session, town.contacts)


async def _address_first(session: Session, town: Town) -> None:
    await session.execute("SELECT id FROM address ORDER BY id LIMIT 1 FOR NO KEY UPDATE")
    await standing.lock(session, town.contacts)


async def _later_person_first(session: Session, town: Town) -> None:
    for contact in reversed(town.contacts):
        await standing.lock(session, [contact])


async def _in_no_order(session: Session, town: Town) -> None:
    await session.execute("UPDATE gate_row SET last_seq = last_seq + 1")


@pytest.mark.parametrize("wrong", [_message_first, _address_first, _later_person_first, _in_no_order])
async def test_a_wrong_path_is_seen(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    async with sink(tmp_path / "mail") as relay:
        town = await _town(workspace, tmp_path, relay)
        with watching(monkeypatch, workspace.database.urls.owner) as watch:
            await town.run(lambda session: wrong(session, town))
    assert watch.wrong()


async def test_a_right_path_is_seen_whole(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sink(tmp_path / "mail") as relay:
        town = await _town(workspace, tmp_path, relay)
        with watching(monkeypatch, workspace.database.urls.owner) as watch:
            await _hand_over(town)
    assert ["gate_row", "address", "message"] in watch.tables()
    assert isinstance(watch, Watch)
