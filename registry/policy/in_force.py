"""The policies in force: kept whole in the database, so that every node and every start reads the same."""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

import rfc8785

from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.errors import NotFound, Refused, Unavailable
from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader
from registry.policy.documents import PolicyInvalid, Problem, text_of
from registry.policy.model import PolicySet

Origin = Literal["shipped", "folder"]
# What a folder of policies is made of; whatever else lies there is nobody's business.
_SUFFIXES = (".toml", ".md")


class PolicyChanged(Unavailable):
    """The policies were changed since this process read them; a server reads them anew by itself."""

    def __init__(self) -> None:
        detail = "The policies were changed since this process read them."
        super().__init__("policy.changed", detail, mend="try again in a moment")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of a folder of policies, by their place in it, and where they come from."""

    files: Mapping[str, str]
    origin: Origin

    @classmethod
    def of(cls, folder: Path | None) -> "Bundle":
        """The files of a folder, or of the one that ships with this release; PolicyInvalid names one not in UTF-8."""
        place = folder or shipped_folder("policies")
        found: dict[str, str] = {}
        problems: list[Problem] = []
        for path in sorted(place.rglob("*")):
            name = path.relative_to(place)
            hidden = any(part.startswith((".", "_")) for part in name.parts)
            if path.suffix in _SUFFIXES and not hidden and path.is_file():
                text = text_of(place, name.as_posix(), problems)
                if text is not None:
                    found[name.as_posix()] = text
        if problems:
            raise PolicyInvalid(problems)
        return cls(found, "folder" if folder else "shipped")

    @property
    def hash(self) -> str:
        """The first 128 bits of SHA-256 over the canonical JSON (RFC 8785) of names and texts, as hex."""
        return sha256(rfc8785.dumps(dict(self.files))).hexdigest()[:32]

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """A folder with these files, for the time of the block."""
        with tempfile.TemporaryDirectory(prefix="zgoda-policies-") as place:
            for name, text in self.files.items():
                path = Path(place, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
            yield Path(place)

    def loaded(self) -> PolicySet:
        """What the files say; PolicyInvalid as from a folder."""
        with self.unpacked() as place:
            return loader.load(place)

    def in_force(self) -> tuple[PolicySet, list[Problem]]:
        """What the files say, and what this release would refuse of them; PolicyInvalid when they cannot be read.

        They were lawful by the checks of the release that put them in force. A check that came since must not keep
        anybody from saying no: it is told, and holds for the next set.
        """
        with self.unpacked() as place:
            policies, problems = loader.examine(place)
        if policies is None:
            raise PolicyInvalid(problems)
        return policies, problems


@dataclass(frozen=True, slots=True)
class InForce:
    """A set of policies that was put in force, by whom and why."""

    number: int
    bundle: Bundle
    hash: str
    author: str
    reason: str


class Recorded(NamedTuple):
    """A line of the history of sets, without their files."""

    number: int
    hash: str
    origin: Origin
    author: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """Policies to put in force in the place of others: who wants it, why, and which set they had before them."""

    bundle: Bundle
    author: str
    reason: str
    # Of the set that was in force when this was decided; None when nobody looked.
    instead_of: int | None = None


async def current(session: Session) -> InForce | None:
    """The set in force; None before the first was recorded."""
    try:
        return await recorded(session, None)
    except NotFound:
        return None


async def recorded(session: Session, number: int | None) -> InForce:
    """A set by its number, or the one in force; NotFound."""
    row = await session.first(
        "SELECT number, hash, files, origin, author, reason FROM policy_set"
        " WHERE number = coalesce(%s, number) ORDER BY number DESC LIMIT 1",
        (number,),
    )
    if row is None:
        raise NotFound(
            "policy.set_unknown", "There is no such set.", field="--set", mend="zgoda policy history"
        )
    return InForce(row.number, Bundle(row.files, row.origin), row.hash, row.author, row.reason)


async def history(session: Session) -> list[Recorded]:
    """Every set, the one in force first."""
    rows = await session.all(
        "SELECT number, hash, origin, author, reason, recorded_at FROM policy_set ORDER BY number DESC"
    )
    return [Recorded(*row) for row in rows]


_NUMBER = "SELECT coalesce(max(number), 0) FROM policy_set"


async def number(session: Session) -> int:
    """The number of the set in force; 0 before the first."""
    return int(await session.value(_NUMBER))


async def record(session: Session, bundle: Bundle, *, author: str, reason: str) -> int:
    """Put a set in force, in the owner's transaction of its installation; its number.

    The one that is in force already keeps its number.
    """
    last = await session.first("SELECT number, hash FROM policy_set ORDER BY number DESC LIMIT 1")
    if last is not None and last.hash == bundle.hash:
        return int(last.number)
    return int(
        await session.value(
            "INSERT INTO policy_set (number, hash, files, origin, author, reason)"
            " SELECT coalesce(max(number), 0) + 1, %s, %s, %s, %s, %s FROM policy_set RETURNING number",
            (bundle.hash, json.dumps(dict(bundle.files)), bundle.origin, author, reason),
        )
    )


async def outlived(database: Database, caller: Caller) -> None:
    """Return once every transaction that began before now has ended: none of them saw what is in force since.

    What they wrote by the policies before is written anew afterwards. Read on the clock of transaction ids, as the
    sealer does: whoever holds a person's lock has one.
    """
    async with database.begin(caller) as session:
        until = await session.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    while True:
        async with database.begin(caller) as session:
            oldest = await session.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        if oldest >= until:
            return
        await asyncio.sleep(0.05)


def ask(session: Session, policies: PolicySet) -> None:
    """Put the question of `require` ahead, so that it goes with the next statement that is waited for."""
    if policies.number and not session.current:
        session.ahead[_NUMBER] = session.ask(_NUMBER)


async def require(session: Session, policies: PolicySet) -> None:
    """PolicyChanged when others were put in force since these were read.

    Asked in a transaction that holds a person's lock: then either this transaction is one that `settled` waits
    for, or it sees the change.
    """
    if session.current:
        return
    if policies.number:
        ahead = session.ahead.pop(_NUMBER, None)
        found = (await ahead.all())[0][0] if ahead else await number(session)
        if found != policies.number:
            raise PolicyChanged
    session.current = True


def differing(found: InForce, folder: Path | None) -> str | None:
    """What to tell an operator whose folder, or whose release, says other than what is in force; None when alike.

    Somebody who applied a folder of their own and names none at the start is not asked about the shipped one.
    """
    if folder is None and found.bundle.origin == "folder":
        return None
    if folder is not None and not folder.is_dir():
        return f"{folder} is not there; the policies in force are those that were applied last"
    if Bundle.of(folder).hash == found.hash:
        return None
    name = str(folder) if folder else "shipped"
    return f"not what is in force: zgoda policy diff current {name}, then zgoda policy apply {name}"


def refuse_overtaken(change: Change, found: InForce | None) -> None:
    """Refused `policy.overtaken` when somebody else changed the policies meanwhile."""
    if change.instead_of is not None and change.instead_of != (found.number if found else 0):
        raise Refused(
            "policy.overtaken",
            "Other policies were put in force meanwhile.",
            mend="look at the difference again: zgoda policy diff current FOLDER",
        )
