"""Where each list stands: how many are on it, and whether it is fresh enough to rest an exemption on."""

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from registry.access.workspace import Workspace
from registry.kit.caller import OPERATOR, Caller
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.logging import log
from registry.policy.lists import fresh_until, latest
from registry.policy.model import PolicySet
from registry.standing import listings

_EVERY_SECONDS = 60.0
_LOOK = Caller(OPERATOR, reason="look at lists")
_LISTS = log("lists")


@dataclass(frozen=True, slots=True)
class ListState:
    """One list now. `usable` is False where nothing may rest on a national exemption because of it."""

    id: str
    kind: str
    country: str | None
    channels: tuple[str, ...]
    entries: int
    dated: date | None
    fresh_until: date | None
    usable: bool

    @property
    def told(self) -> str:
        """In words, for the terminal."""
        if self.kind == "own":
            return "own"
        if self.usable:
            return "fresh"
        why = "too old" if self.dated else "never imported"
        return f"{why}: no exemption for {', '.join(self.channels)} in {self.country}"

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "channels": list(self.channels),
            "dated": self.dated.isoformat() if self.dated else None,
            "fresh_until": self.fresh_until.isoformat() if self.fresh_until else None,
        }


async def remember(session: Session, policies: PolicySet) -> None:
    """Let the policies in use know which lists were imported when: the gate rests exemptions on fresh ones alone."""
    policies.list_imports.update(await listings.imports(session))


async def keep_fresh(workspace: Workspace, stop: asyncio.Event) -> None:
    """Look every minute which lists were imported by others, until `stop` is set.

    Until it has looked a process refuses what rests on a list that it takes for old; it never permits too much.
    """
    while not stop.is_set():
        try:
            async with workspace.database.begin(_LOOK) as session:
                await remember(session, workspace.policies)
        except (psycopg.Error, Refused) as error:
            _LISTS.error("lists.unread", exc_info=error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)


async def states(session: Session, policies: PolicySet, at: datetime) -> list[ListState]:
    """Every list of the policies, by id."""
    imports = await listings.imports(session)
    found = []
    for name, told in sorted(policies.lists.items()):
        made = imports.get(name, ())
        until = fresh_until(told, made, at)
        found.append(
            ListState(
                id=name,
                kind=told.kind,
                country=told.country,
                channels=told.channels,
                entries=await listings.size(session, name),
                dated=latest(made, at),
                fresh_until=until if until != date.max else None,
                usable=told.kind == "own" or (until is not None and until >= at.date()),
            )
        )
    return found
