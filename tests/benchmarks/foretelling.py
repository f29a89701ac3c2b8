"""Whether `policy diff` tells exactly what comes: the names it gives, held to everybody's answers before and after."""

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from registry.access.workspace import Workspace
from registry.gate import audience, cases, rules
from registry.gate.policy_changes import Pair
from registry.kit import arrays, clock
from registry.kit.config import Settings
from registry.kit.ids import NIL
from registry.opening import opened
from registry.policy import loader
from registry.policy.model import PolicySet
from tests.benchmarks.installations import CALLER, Place
from tests.benchmarks.processes import run, zgoda

_CHUNK = 50_000
_POLICY = "purposes/newsletter/policy.toml"
_CASES = "purposes/newsletter/cases.toml"
# Half of a base agreed longer ago.
_TERM = "valid_for_days = 450"
_CASE = """
[[case]]
name = "after 450 days consent is asked for anew"
expect = { outcome = "deny", reason = "consent.expired" }
[[case.entry]]
kind = "granted"
address = "home"
notice = 1
acted_at = 2025-01-01T09:00:00Z
"""


class Answers(NamedTuple):
    """Everybody's answer for a purpose on a channel: ids of 16 bytes each, in order, and the code of each."""

    contacts: bytes
    codes: tuple[int, ...]


async def foretold(place: Place) -> str:
    """Compare, apply, and hold the bulk gate to the comparison, contact by contact; says what was found.

    AssertionError where somebody was answered otherwise than was told, or was not told of.
    """
    at = clock.now()
    before = await _everybody(place.workspace, place.workspace.policies, at)
    folder, members = place.folder / "next", place.folder / "members.ndjson"
    await run(zgoda(place.data, "policy", "export", str(folder), "--json"))
    _shorten(folder)
    compared = await run(
        zgoda(
            place.data, "policy", "diff", "current", str(folder), "--at", at.isoformat(),
            "--members", str(members), "--json",
        )
    )  # fmt: skip
    author = ("--author", "benchmark", "--reason", "a term")
    await run(zgoda(place.data, "policy", "apply", str(folder), *author, "--yes", "--json"))
    async with opened(Settings(data=place.data)) as workspace:
        after = await _everybody(workspace, workspace.policies, at)
        named = _named(members)
        number = sum(len(one) for one in named.values())
        assert number == compared.told["members"]["answers"] == sum(compared.told["totals"].values())
        assert before.keys() == after.keys()
        for pair, was in before.items():
            assert was.contacts == after[pair].contacts
            told = named.pop(pair, {})
            for person, one, other in zip(
                arrays.split(was.contacts, 16), was.codes, after[pair].codes, strict=True
            ):
                if one != other:
                    assert told.pop(person) == (rules.REASONS[one], rules.REASONS[other])
            assert not told, f"{len(told)} were named and are answered as before"
        assert not named
    assert number
    everybody = sum(len(one.codes) for one in before.values())
    return (
        f"`policy diff --members` foretold {number:,} other answers of {everybody:,} in {compared.seconds:.1f} s"
        f" and {compared.resident / 2**20:.0f} MB; the bulk gate after `policy apply` gave exactly these, to the"
        " contact and the reason"
    )


def _shorten(folder: Path) -> None:
    """Give consent a term, as a lawyer would: with its worked case, and without those that went by none."""
    text = (folder / _POLICY).read_text("utf-8")
    (folder / _POLICY).write_text(text.replace("\nwithdrawal =", f"\n{_TERM}\nwithdrawal =", 1), "utf-8")
    played, _ = cases.play_all(folder, loader.load(folder))
    gone = {one.case.name for one in played if one.differs}
    head, *blocks = (folder / _CASES).read_text("utf-8").split("\n[[case]]\n")
    kept = [one for one in blocks if tomllib.loads("[[case]]\n" + one)["case"][0]["name"] not in gone]
    (folder / _CASES).write_text("\n[[case]]\n".join([head, *kept]) + _CASE, "utf-8")


async def _everybody(workspace: Workspace, policies: PolicySet, at: datetime) -> dict[Pair, Answers]:
    found: dict[Pair, Answers] = {}
    for purpose in policies.purposes.values():
        for channel in purpose.channels:
            after, contacts, codes = NIL, bytearray(), list[int]()
            while True:
                statement = audience.packed(policies, purpose, channel, at, after, _CHUNK)
                async with workspace.database.begin(CALLER) as session:
                    (row,) = await session.all_binary(statement.text, statement.params)
                if row.contacts is None:
                    break
                contacts += row.contacts
                codes += arrays.smallints(row.codes)
                after = UUID(bytes=row.contacts[-16:])
            found[Pair(purpose.id, channel)] = Answers(bytes(contacts), tuple(codes))
    return found


def _named(members: Path) -> dict[Pair, dict[bytes, tuple[str, str]]]:
    """Who was named for which purpose and channel: from which reason to which."""
    found: dict[Pair, dict[bytes, tuple[str, str]]] = {}
    with members.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            by = found.setdefault(Pair(one["purpose"], one["channel"]), {})
            person = UUID(one["contact"]).bytes
            assert person not in by
            by[person] = one["from"], one["to"]
    return found
