"""The scan over real files: it finds everything before an erasure, and nothing once the old epoch is destroyed."""

import asyncio
import hashlib
import hmac
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from registry.consents import service as consents
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import queries
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.exchange.names import NameStock
from registry.keys import blind, persons
from registry.keys.columns import MESSAGE_VALUES
from registry.keys.ring import Epoch, FileKeyRing
from registry.kit import postgres_cluster
from registry.kit.config import Settings
from registry.kit.database import Role
from registry.kit.ids import new_id
from registry.opening import opened
from registry.policy.model import Grade
from registry.subject_requests import erasure, residue, rotation
from registry.subject_requests.needles import Needles
from registry.subject_requests.residue import Wanted
from registry.subject_requests.rotation import Rotation
from registry.subject_requests.streams import files, streams
from tests.persons import CALLER

PEOPLE, ERASED = 1000, 500


@pytest_asyncio.fixture
async def installed(data_folder: Path) -> AsyncIterator[Any]:
    """An installation with a PostgreSQL of its own, as safe against crashes as any."""
    async with opened(Settings(data=data_folder), initialise=True) as workspace:
        yield workspace


def canaries(n: int) -> dict[str, str]:
    """What is typed about one person, none of it said of anybody else."""
    tag = hashlib.sha256(f"person {n}".encode()).hexdigest()[:10]
    return {
        "email": f"{tag}.user{n}@canary.example",
        "phone": f"+3712{n:07d}",
        "external": f"CUST-{tag}",
        "first_name": f"Jānis{tag}",
        "last_name": f"Иванов{tag}",
        "city": f"Łódź{tag}",
        "evidence": f"evidence of {tag}",
        "long": f"long evidence of {tag}",
        "message": f"message to {tag}",
    }


async def populate(workspace: Any, count: int) -> dict[UUID, dict[str, str]]:
    typed = {new_id(): canaries(n) for n in range(count)}
    ring, policies = workspace.ring, workspace.policies
    new = [
        NewContact(
            [
                NewIdentifier(normalise(Kind[kind.upper()], text[kind]))
                for kind in ("email", "phone", "external")
            ],
            "test",
            {name: text[name] for name in ("first_name", "last_name", "city")},
            country="LV",
            id=person,
        )
        for person, text in typed.items()
    ]
    async with workspace.database.begin(CALLER) as session:
        await contacts.create(session, ring, policies, new)
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, typed)
        assigned = {
            person: next(a.id for a in await queries.assignments(session, person) if a.kind == Kind.EMAIL)
            for person in typed
        }
        entries = [
            NewEntry(
                person, EntryKind.GRANTED, "newsletter", "email", Grade.ATTESTED, "test",
                assignment_id=assigned[person], acted_at=datetime(2026, 1, 1, tzinfo=UTC), notice_version=1,
                notice_locale="lv",
                # Some so long that they are cut into chunks.
                evidence={"said": text["evidence"], "more": "x" * (3000 if n % 5 == 0 else 0) + text["long"]},
            )
            for n, (person, text) in enumerate(typed.items())
        ]  # fmt: skip
        await consents.record(session, ring, policies, entries)
        keys = await persons.load(session, ring, typed)
        await session.copy(
            "message",
            ("id", "contact_id", "purpose", "channel", "class", "state", "values"),
            (
                (new_id(), person, "newsletter", "email", "marketing", "handed_over",
                 keys[person].seal(MESSAGE_VALUES, json.dumps({"fields": {"note": text["message"]}}).encode()))
                for person, text in typed.items()
            ),
        )  # fmt: skip
    return typed


async def erase_all(workspace: Any, people: list[UUID]) -> None:
    async def some(mine: list[UUID]) -> None:
        for person in mine:
            await erasure.erase_person(
                workspace.database, workspace.ring, workspace.policies, CALLER, Reference(person, None)
            )

    await asyncio.gather(some(people[::2]), some(people[1::2]))


def wanted(typed: dict[UUID, dict[str, str]], people: list[UUID]) -> list[Wanted]:
    return [Wanted(text, person) for person in people for text in typed[person].values()]


async def rotate(workspace: Any, export: Path) -> None:
    await rotation.rotate(Rotation(workspace.database, workspace.ring, workspace.policies, CALLER), export)


def copied(data: Path, to: Path) -> Path:
    """What a backup of the database folder holds."""
    shutil.copytree(data / "postgres", to, ignore=shutil.ignore_patterns("postmaster.*"))
    return to


@pytest.mark.law("LP-70")
async def test_nothing_of_the_erased_can_be_read_anywhere_and_all_of_the_others(
    installed: Any, data_folder: Path, tmp_path: Path
) -> None:
    typed = await populate(installed, PEOPLE)
    people = list(typed)
    gone, stay = people[:ERASED], people[ERASED:]
    some = gone[::10]  # every one is looked for where it counts, afterwards
    residue.checkpoint(installed.settings)
    copy = copied(data_folder, tmp_path / "copy")
    dump = tmp_path / "dump.sql"
    subprocess.run(
        [postgres_cluster.binaries() / "pg_dump", "-f", dump, installed.database.urls.owner], check=True
    )
    old_keys = installed.ring.live()
    # The WAL alone has it all, and so has every copy.
    for place in (data_folder / "postgres" / "pg_wal", data_folder, copy, dump):
        before = residue.scan([place], wanted(typed, people if place is data_folder else some), old_keys)
        assert before.missing == [], (place, before.missing[:5])

    await erase_all(installed, gone)
    residue.checkpoint(installed.settings)
    between = residue.scan([data_folder, copy, dump], wanted(typed, some), installed.ring.live())
    assert between.missing == [], "a deleted row and a deleted key are still in the copies"

    await rotate(installed, tmp_path / "keys.json")
    residue.checkpoint(installed.settings)
    places = [data_folder, copy, dump, tmp_path / "keys.json"]
    after = residue.scan(places, wanted(typed, gone), installed.ring.live())
    assert after.found == {}
    assert after.unreadable == []
    assert after.epochs == [2]
    left = residue.scan([data_folder], wanted(typed, stay), installed.ring.live())
    assert left.missing == []
    # With the key that was destroyed the copies would still tell everything: it is the key that counts.
    assert residue.scan([copy], wanted(typed, some), old_keys).missing == []


@pytest.mark.law("LP-72")
async def test_no_stored_value_confirms_a_guess_without_the_suppression_key(
    installed: Any, data_folder: Path, tmp_path: Path
) -> None:
    typed = await populate(installed, 20)
    gone = list(typed)[:10]
    truth = [typed[person]["email"] for person in gone] + [typed[person]["phone"] for person in gone]
    guesses = [f"guess{n}@canary.example" for n in range(500)] + truth
    residue.checkpoint(installed.settings)
    copy = copied(data_folder, tmp_path / "copy")
    old = installed.ring.current
    assert _confirmed(guesses, [old.index], [data_folder, copy]) == set(truth)
    await erase_all(installed, gone)
    await rotate(installed, tmp_path / "keys.json")
    residue.checkpoint(installed.settings)
    ring: FileKeyRing = installed.ring
    new = ring.current
    others = [
        new.kek,
        new.index,
        ring.token,
        ring.token[:32],
        ring.token[32:],
        ring.signing.private_bytes_raw(),
        b"",
    ]
    assert _confirmed(guesses, others, [data_folder, copy]) == set()
    # What is left is told by the suppression key alone.
    assert _confirmed(guesses, [ring.suppression], [data_folder], broad=True) == set(truth)


def _confirmed(guesses: list[str], keys: list[bytes], places: list[Path], *, broad: bool = False) -> set[str]:
    """Which guesses some stored bytes confirm, by every keyed and every common hash."""
    digests: dict[bytes, str] = {}
    for guess in guesses:
        kind = Kind.EMAIL if "@" in guess else Kind.PHONE
        identifier = normalise(kind, guess)
        text = identifier.broad if broad else identifier.value
        plain = {
            text.encode(),
            text.upper().encode(),
            bytes([kind]) + text.encode(),
            identifier.broad.encode(),
        }
        for form in plain:
            for key in keys:
                digests[hmac.digest(key, form, "sha256")] = guess
            for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
                digests[hashlib.new(name, form).digest()] = guess
        epoch = Epoch(0, b"", keys[0])
        assert blind.index(epoch, kind, identifier.value) in digests or broad
    needles, met = Needles((), digests), set()
    for _, buffer in streams(files(places)):
        met |= {bytes.fromhex(digest) for digest, _, _ in needles.search(buffer)}
    return {digests[digest] for digest in met}


async def test_names_of_people_are_not_met_by_chance_in_a_fresh_database(
    installed: Any, data_folder: Path
) -> None:
    stocks = [
        stock
        for language in ("english", "latvian", "polish", "russian")
        for stock in vars(import_module(f"registry.exchange.names.{language}")).values()
        if isinstance(stock, NameStock)
    ]
    told = {name for s in stocks for name in (*s.women, *s.men, *(n for pair in s.surnames for n in pair))}
    assert len(told) > 100
    found = residue.scan([data_folder / "postgres"], told, installed.ring.live()).found
    assert found == {}


async def test_plain_text_in_the_database_is_found(installed: Any, data_folder: Path) -> None:
    """What the tables above never do: the scan would see it."""
    async with installed.database.begin(CALLER, Role.OWNER) as session:
        await session.execute("CREATE TABLE slip (id int, name text, note text)")
        long = "".join(os.urandom(3).hex() for _ in range(2000))
        await session.execute(
            "INSERT INTO slip VALUES (1, 'Kunigunda Slīpā', %s)", (f"{long} Slipped {long}",)
        )
    residue.checkpoint(installed.settings)
    found = residue.scan([data_folder], ["Kunigunda Slīpā", "kunigunda slīpā", "Nobody Atall"]).found
    assert "Kunigunda Slīpā" in found
    assert {one.place.parent.name for one in found["Kunigunda Slīpā"]} & {"pg_wal"}
    assert "Nobody Atall" not in found


def test_a_key_that_lies_among_the_files_is_used(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "ring" / "keys")
    keys = persons.PersonKeys.generate(new_id())
    blobs = tmp_path / "blobs"
    blobs.write_bytes(
        b"..." + keys.wrap(ring.current) + b"..." + keys.seal(MESSAGE_VALUES, b'{"a": "Kunigunda"}')
    )
    assert residue.scan([blobs], ["Kunigunda"]).found == {}
    assert set(residue.scan([tmp_path], ["Kunigunda"]).found) == {"Kunigunda"}
    export = tmp_path / "keys.export"
    export.write_bytes(ring.export())
    assert set(residue.scan([blobs, export], ["Kunigunda", "Anna"]).found) == {"Kunigunda"}


def test_an_opened_value_of_somebody_else_does_not_count(tmp_path: Path) -> None:
    ring = FileKeyRing.create(tmp_path / "keys")
    anna, other = (persons.PersonKeys.generate(new_id()) for _ in range(2))
    both = b"".join(
        one.wrap(ring.current) + one.seal(MESSAGE_VALUES, json.dumps({"name": name}).encode())
        for one, name in ((other, "Martina Kalve"), (anna, "Martina Kalve and more"))
    )
    (tmp_path / "blobs").write_bytes(both)
    asked = [Wanted("Martina Kalve", anna.contact_id)]
    assert set(residue.scan([tmp_path], asked).found) == {"Martina Kalve"}
    (tmp_path / "blobs").write_bytes(both[: len(both) // 2 - 5])
    assert residue.scan([tmp_path], asked).found == {}
    assert Needles(["Martina Kalve"])
