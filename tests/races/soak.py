"""`python -m tests.races.soak ORDERS`: a process of a soak, which does one kind of thing to a few persons for a while.

A caller's view: everything goes by the product's own services, and whatever is no refusal of the product is kept as a
failure, first of all a deadlock.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents import acts, merging, readdressing
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.dispatch import claiming, handoff
from registry.dispatch.claiming import Office
from registry.dispatch.owner import owner
from registry.dispatch.tokens import OneClick
from registry.exchange import imports, listings
from registry.gate import permits
from registry.gate.permits import Wanted
from registry.keys.ring import FileKeyRing
from registry.kit import clock, server_settings
from registry.kit.config import Settings
from registry.kit.database import Database, Session, Urls
from registry.kit.errors import Refused
from registry.kit.ids import NIL
from registry.kit.journal import FileJournal
from registry.policy.model import Grade
from registry.portal import service as portal
from registry.subject_requests import erasure, restriction
from tests import installation
from tests.dispatch.people import CALLER, campaign
from tests.exchange.files import archive, mailchimp, row
from tests.races.stage import CHANNEL, CONTENT, PURPOSE

T = TypeVar("T")
ADDRESSES = [f"p{number}@x.test" for number in range(24)]
# A change of address, an import and a new person may also bring one that nobody had.
SEEN_FIRST = 0.2
LANES = 3
NOES = (EntryKind.WITHDRAWN, EntryKind.OBJECTED, EntryKind.REFUSED)


class Soaked:
    """What a process does, and what came of it."""

    def __init__(self, workspace: Workspace, orders: dict[str, Any]) -> None:
        self.workspace = workspace
        self._orders = orders
        self._chance = random.Random(f"{orders['seed']}/{orders['role']}")
        self._ring, self._policies = workspace.ring, workspace.policies
        self._numbers = iter(range(1_000_000))
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.failed: list[str] = []

    async def run(self) -> None:
        """Do it, in lanes, until the time is over."""
        until = time.monotonic() + self._orders["seconds"]
        acting = {"people": self._people, "lists": self._lists, "senders": self._senders}[
            self._orders["role"]
        ]
        await asyncio.gather(*(self._lane(acting, until) for _ in range(LANES)))

    async def _lane(self, acting: Callable[[], Awaitable[str]], until: float) -> None:
        while time.monotonic() < until:
            try:
                self.done[await acting()] += 1
            except Refused as error:
                self.refused[error.code] += 1
            except Exception as error:
                self.failed.append(f"{type(error).__name__} {getattr(error, 'sqlstate', '')}: {error}"[:300])

    async def _committed(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await self.workspace.database.run(CALLER, work)

    def _address(self) -> str:
        if self._chance.random() < SEEN_FIRST:
            return f"{self._orders['role']}{next(self._numbers)}@x.test"
        return self._chance.choice(ADDRESSES)

    async def _persons(self, number: int) -> list[UUID]:
        """Some of the persons who are there, in no order."""
        async with self.workspace.database.begin(CALLER) as session:
            rows = await session.all("SELECT id FROM contact ORDER BY id DESC LIMIT 60")
        return self._chance.sample([one.id for one in rows], number)

    async def _people(self) -> str:
        """What persons say, and what staff do to their records."""
        merges = self._orders["merges"]
        act = self._chance.choices(
            [
                self._say,
                self._click,
                self._merge,
                self._part,
                self._move,
                self._restrict,
                self._create,
                self._erase,
            ],
            [8, 6, 3 * merges, 2 * merges, 4, 2, 2, 0.5],
        )[0]
        await act()
        return act.__name__.strip("_")

    async def _say(self) -> None:
        kind = self._chance.choice([*NOES, EntryKind.GRANTED])
        (person,) = await self._persons(1)
        by_address = Reference(None, normalise(Kind.EMAIL, self._address()))
        who = by_address if kind.takes_away and self._chance.random() < 0.5 else Reference(person, None)
        more: dict[str, Any] = {}
        if not kind.takes_away:
            more = {"acted_at": clock.now(), "act": "ticked", "notice_version": 1, "notice_locale": "en"}
        entry = NewEntry(NIL, kind, PURPOSE, CHANNEL, Grade.FIRST_PARTY, "soak", **more)
        await self._committed(lambda s: acts.act(s, self._ring, self._policies, who, entry))

    async def _click(self) -> None:
        """The link in a mail, also of somebody who moved since: it holds for all who share the address."""
        async with self.workspace.database.begin(CALLER) as session:
            rows = await session.all(
                "SELECT contact_id, id FROM assignment WHERE kind = %s", (int(Kind.EMAIL),)
            )
        one = self._chance.choice(rows)
        token = OneClick(one.contact_id, one.id, self._policies.purpose_ids[PURPOSE])
        await self._committed(lambda s: portal.withdraw(s, self._ring, self._policies, token))

    async def _merge(self) -> None:
        one, other = await self._persons(2)
        await self._committed(lambda s: merging.merge(s, self._ring, self._policies, one, other, "soak"))

    async def _part(self) -> None:
        async with self.workspace.database.begin(CALLER) as session:
            rows = await session.all("SELECT id FROM contact_merge WHERE unmerged_at IS NULL ORDER BY id")
        if rows:
            merge = self._chance.choice(rows).id
            await self._committed(lambda s: merging.unmerge(s, self._ring, self._policies, merge))

    async def _move(self) -> None:
        (person,) = await self._persons(1)
        address = self._address()

        async def work(session: Session) -> None:
            held = await session.value(
                "SELECT id FROM assignment WHERE contact_id = %s AND valid_to IS NULL AND kind = %s"
                " ORDER BY id LIMIT 1",
                (person, int(Kind.EMAIL)),
            )
            if held is not None:
                await readdressing.change_address(
                    session, self._ring, self._policies, person, held, address, source="soak"
                )

        await self._committed(work)

    async def _restrict(self) -> None:
        (person,) = await self._persons(1)
        who = Reference(person, None)
        if self._chance.random() < 0.5:
            await self._committed(lambda s: restriction.restrict(s, self._ring, who, "accuracy"))
        else:
            await self._committed(lambda s: restriction.lift(s, self._ring, who))

    async def _create(self) -> None:
        new = NewContact(
            [NewIdentifier(normalise(Kind.EMAIL, self._address())) for _ in range(2)], "soak", country="LV"
        )
        await self._committed(lambda s: contacts.create(s, self._ring, self._policies, [new]))

    async def _erase(self) -> None:
        (person,) = await self._persons(1)
        await erasure.erase_person(
            self.workspace.database, self._ring, self._policies, CALLER, Reference(person, None)
        )

    async def _lists(self) -> str:
        """Files of persons, and of addresses that want no advertising."""
        if self._chance.random() < 0.3:
            told = self._policies.lists["own-nordwind"]
            wanted = [normalise(Kind.EMAIL, self._address()) for _ in range(4)]
            for _ in range(listings.TRIES):
                try:
                    await self._committed(
                        lambda s: listings.enlist(
                            s, self._ring, self._policies, told, wanted, datetime.now(UTC)
                        )
                    )
                    return "enlist"
                except listings.Moved:
                    continue
            raise listings.contended()
        rows = [row(self._address()) for _ in range(12)]
        path = Path(self._orders["folder"], f"{next(self._numbers)}.zip")
        archive(path, subscribed=rows[:8], unsubscribed=rows[8:11], cleaned=rows[11:])
        try:
            await imports.run(self.workspace, CALLER, path, "mailchimp", mailchimp(), size=6)
        finally:
            path.unlink()
            Path(f"{path}.rejects.csv").unlink(missing_ok=True)
        return "import"

    async def _senders(self) -> str:
        """Campaigns to everybody, handed over as a dispatcher does, and permits for those who send themselves."""
        if self._chance.random() < 0.3:
            (person,) = await self._persons(1)
            wanted = Wanted(Reference(person, None), PURPOSE, CHANNEL, CONTENT)
            made = await self._committed(lambda s: permits.issue(s, self._ring, self._policies, wanted))
            if made.token:
                token = made.token
                await self._committed(lambda s: permits.redeem(s, self._ring, self._policies, token, CONTENT))
            return "permit"
        if self._chance.random() < 0.1:
            await campaign(self.workspace)
        async with owner(self.workspace.database.urls.app) as ourselves:
            office = Office(self.workspace.database, self._ring, self._policies, ourselves.name, {})
            way = handoff.transport("email", self._orders["smtp"], 4)
            await way.open()
            if claimed := await claiming.claim(office, "email", await way.ready()):
                await handoff.hand_over(office, way, claimed[::-1])
            await way.close()
        return "hand_over" if claimed else "nothing_due"


async def _serve(orders: dict[str, Any]) -> None:
    # The suite's server gives up crash safety for speed.
    server_settings.REQUIREMENTS = server_settings.SILENCE
    settings = Settings(data=Path(orders["data"]))
    database = Database(
        Urls(*orders["urls"]), settle=installation.settle, journal=FileJournal(settings.journal_folder)
    )
    await database.open()
    soaked = Soaked(
        Workspace(settings, database, FileKeyRing(settings.data / "keys"), installation.policies()), orders
    )
    await soaked.run()
    await database.close()
    print(json.dumps({"done": soaked.done, "refused": soaked.refused, "failed": soaked.failed}))


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
