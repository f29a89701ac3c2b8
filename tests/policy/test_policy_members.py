"""`zgoda policy diff --members`: everybody whose answer would change is named, in the log first, and nobody else is."""

import asyncio
import csv
import json
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.cli import zgoda
from registry.consents.ledger import EntryKind
from registry.gate import audience, readings, rules
from registry.gate.policy_changes import EFFECTS, Pair, declares
from registry.kit.config import Settings
from registry.kit.terminal import guard
from registry.opening import opened
from tests.http.routes import logged
from tests.persons import CALLER, make
from tests.policy.audience import CLUB, NEWSLETTER, NOW, UPDATES, answers, change, granted, people
from tests.policy.folders import replace

AT = ["--at", NOW.isoformat()]
# By this whoever agreed today has not agreed any more at that time.
TERM = (NEWSLETTER, 'class = "marketing"', 'class = "marketing"\nvalid_for_days = 100')


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The test's installation, for commands."""
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))
    return settings


async def zgoda_says(*words: object) -> int:
    return await asyncio.to_thread(guard, zgoda, [str(word) for word in words])


async def subscribers(workspace: Workspace, number: int) -> list[UUID]:
    found = []
    for n in range(number):
        person = await make(workspace, f"subscriber{n}@example.org")
        await granted(workspace, person)
        found.append(person)
    return found


def lines(text: str | bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


async def test_after_policies_are_applied_exactly_those_who_were_named_get_exactly_that_other_answer(
    here: Settings, tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A few hundred persons, five changes at once, of every effect, by the gate's rows and by records."""
    target = tmp_path / "members.ndjson"
    async with opened(here, change=change(folder)) as workspace:
        await people(workspace, tmp_path, 250)
        polish = await make(workspace, "warsaw@example.org", country="PL")
        await granted(workspace, polish, EntryKind.GRANTED, "club-letter")
        replace(folder, NEWSLETTER, TERM[1], f"{TERM[1]}\nvalid_for_days = 700")
        replace(folder, CLUB, "double_opt_in = true", "double_opt_in = false")
        replace(folder, UPDATES, '"soft_opt_in", "consent"', '"consent"')
        replace(folder, "purposes/order-messages/policy.toml", '["email", "sms"]', '["email"]')
        quiet = 'channels = ["sms"]\nfrom = 21:00:00'
        # It is three in the afternoon in Riga, and two in Warsaw.
        late = 'channels = ["sms", "email"]\nfrom = 15:00:00'
        replace(folder, "schedule.toml", quiet, late)
        assert await zgoda_says("policy", "diff", "current", folder, *AT, "--members", target, "--json") == 0
        told = json.loads(capfd.readouterr().out)
        pairs = [
            Pair(purpose.id, channel)
            for purpose in workspace.policies.purposes.values()
            for channel in purpose.channels
        ]
        before = {pair: await answers(workspace, workspace.policies, pair) for pair in pairs}
    named = {
        (one["contact"], one["purpose"], one["channel"]): (one["from"], one["to"])
        for one in lines(target.read_text())
    }
    assert len(named) == len(lines(target.read_text())) == told["members"]["answers"]
    effects = Counter(one["effect"] for one in lines(target.read_text()))
    assert effects == {effect: told["totals"][effect] for effect in EFFECTS}
    assert all(effects.values()), effects
    async with opened(here, change=change(folder)) as workspace:
        after = {pair: await answers(workspace, workspace.policies, pair) for pair in pairs}
        for pair in pairs:
            if declares(workspace.policies, pair):
                assert Counter(after[pair].values()) == await counted(workspace, pair)
    assert named == {
        (str(person), *pair): (was, after[pair][person])
        for pair in pairs
        for person, was in before[pair].items()
        if was != after[pair][person]
    }
    assert {channel for _, _, channel in named} == {"email", "sms"}
    assert len({purpose for _, purpose, _ in named}) > 2


async def counted(workspace: Workspace, pair: Pair) -> dict[str, int]:
    statement = audience.counted(
        workspace.policies, workspace.policies.purposes[pair.purpose], pair.channel, NOW
    )
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(statement.text, statement.params)
    return {rules.REASONS[row.code]: row.persons for row in rows}


_OPENED = """
SELECT contact_id FROM audit_opening o JOIN audit_entry e ON e.id = o.entry_id
WHERE position('policy.diff'::bytea in e.body) > 0"""


async def test_the_log_has_everybody_before_their_lines_leave(
    here: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(readings, "CHUNK", 4)
    known_before: list[tuple[set[UUID], set[UUID]]] = []
    note = readings.note

    async def noted(*args: Any) -> None:
        await note(*args)
        # On a connection of its own: what is seen is committed.
        with psycopg.connect(str(here.database_url)) as connection:
            opening = connection.execute(_OPENED).fetchall()
        told = lines(capfdbinary.readouterr().out)
        out.extend(told)
        known_before.append(({person for (person,) in opening}, {UUID(one["contact"]) for one in out}))

    out: list[dict[str, Any]] = []
    async with opened(here, change=change(folder)) as workspace:
        persons = await subscribers(workspace, 10)
        replace(folder, *TERM)
        capfdbinary.readouterr()
        monkeypatch.setattr(readings, "note", noted)
        asked = ("policy", "diff", "current", folder, *AT, "--members", "-", "--reason", "ticket 4711")
        async with logged(workspace) as entries:
            assert await zgoda_says(*asked) == 0
    rest, said = capfdbinary.readouterr()
    out.extend(lines(rest))
    assert [one["contact"] for one in out] == [str(person) for person in sorted(persons)]
    assert b"10 answers would become blocked" in said
    assert [(len(known), len(left)) for known, left in known_before] == [(4, 0), (8, 4), (10, 8)]
    pieces = [one for one in entries() if one["action"] == "policy.diff" and "members" in one["detail"]]
    assert [one["detail"]["persons"] for one in pieces] == [4, 4, 2]
    assert {one["reason"] for one in entries() if one["action"] == "policy.diff"} == {"ticket 4711"}
    last = [one for one in entries() if one["action"] == "policy.diff"][-1]
    assert (last["detail"]["answers"], last["detail"]["complete"]) == (10, True)


async def test_a_csv_has_the_same_rows_and_is_for_its_owner_alone(
    here: Settings, tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with opened(here, change=change(folder)) as workspace:
        persons = await subscribers(workspace, 3)
    replace(folder, *TERM)
    table, told = tmp_path / "members.CSV", tmp_path / "members.jsonl"
    for target in (table, told):
        assert await zgoda_says("policy", "diff", "current", folder, *AT, "--members", target) == 0
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with table.open(newline="") as file:
        assert list(csv.DictReader(file)) == lines(told.read_text())
    assert lines(told.read_text()) == [
        {
            "contact": str(person),
            "purpose": "newsletter",
            "channel": "email",
            "from": "permit",
            "to": "consent.expired",
            "effect": "blocked",
        }
        for person in sorted(persons)
    ]
    assert f"3 answers named in {told}" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir() if "members" in path.name) == [
        "members.CSV",
        "members.jsonl",
    ]


async def test_where_nothing_changes_the_file_is_empty_and_that_is_said(
    here: Settings, tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with opened(here, change=change(folder)) as workspace:
        await subscribers(workspace, 1)
    for name, text in (("members.ndjson", ""), ("members.csv", "contact,purpose,channel,from,to,effect\r\n")):
        assert await zgoda_says("policy", "diff", "current", folder, "--members", tmp_path / name) == 0
        assert (tmp_path / name).read_bytes().decode() == text
        said = capfd.readouterr()
        assert "Nobody's answer changes." in said.out
        assert "0 answers named" in said.err


async def test_a_place_that_cannot_be_written_to_is_refused_before_anybody_is_read(
    here: Settings, tmp_path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "there.ndjson"
    there.write_text("kept")
    refused: Sequence[tuple[tuple[object, ...], int, str]] = (
        ((there,), 1, "file.exists"),
        ((tmp_path / "nowhere" / "members.ndjson",), 1, "file.unwritable: --members: "),
        ((tmp_path,), 2, "usage.wrong"),
        (("-", "--json"), 2, "output.shared"),
    )
    async with opened(here, change=change(folder)) as workspace:
        await subscribers(workspace, 1)
        replace(folder, *TERM)
        async with logged(workspace) as entries:
            for words, code, reason in refused:
                assert await zgoda_says("policy", "diff", "current", folder, *AT, "--members", *words) == code
                assert reason in capfd.readouterr().err
    assert entries() == []
    assert there.read_text() == "kept"


async def test_a_naming_that_breaks_off_leaves_no_file(
    here: Settings,
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with opened(here, change=change(folder)) as workspace:
        await subscribers(workspace, 5)
    replace(folder, *TERM)
    monkeypatch.setattr(readings, "CHUNK", 2)
    note, pieces = readings.note, 0

    async def full(*args: Any) -> None:
        nonlocal pieces
        pieces += 1
        if pieces > 1:
            raise OSError("the log cannot be written")
        await note(*args)

    monkeypatch.setattr(readings, "note", full)
    before = sorted(tmp_path.iterdir())
    assert (
        await zgoda_says("policy", "diff", "current", folder, *AT, "--members", tmp_path / "members.csv") == 1
    )
    assert "internal.error" in capfd.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
