"""What everybody in a race needs at hand: the installation, the persons, and what acknowledging means."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.gate.checks import Checks
from registry.kit.caller import Caller
from registry.kit.database import Session

PURPOSE = "newsletter"
CHANNEL = "email"
CONTENT = sha256(b"what will be sent").digest()
PERSON = Caller("person", "operation", "race")

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scene:
    """One person with whom they play: the message's address, who shares it, and another record of the same person."""

    contact: UUID
    assignment: UUID
    address: str
    sharer: UUID | None = None
    sharer_assignment: UUID | None = None
    duplicate: UUID | None = None
    duplicate_no: bool = False


@dataclass(slots=True)
class Stage:
    """What an act needs; `tokens` are the permits that this process holds, by person, oldest first."""

    workspace: Workspace
    checks: Checks
    tokens: dict[UUID, list[tuple[str, str]]] = field(default_factory=dict)


Act = Callable[[Stage, Scene], Awaitable[Answer]]


class Nothing(Exception):
    """There was nothing to do: no permit to redeem, nobody to merge with."""


async def committed(stage: Stage, work: Callable[[Session], Awaitable[Answer]]) -> Answer:
    """The answer of `work` once it is committed: this is what acknowledging means."""
    return await stage.workspace.database.run(PERSON, work)


def told(session: Session) -> Answer:
    """Which permits the answer to a "no" names."""
    return {
        "voided": [str(one.id) for one in session.voided],
        "in_flight": [str(one.id) for one in session.in_flight],
    }


def micros(at: datetime) -> int:
    """An instant in whole microseconds, as PostgreSQL keeps it."""
    return int(at.timestamp()) * 1_000_000 + at.microsecond
