"""The access package: everything that is held of a person, and nothing of anybody else."""

import json
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from registry.consents.ledger import EntryKind
from registry.contacts.queries import Reference
from registry.keys import persons
from registry.keys.columns import COLUMNS, SealedColumn
from registry.kit.database import Role
from registry.kit.ids import new_id
from registry.subject_requests import package
from registry.subject_requests.areas import AREAS
from registry.subject_requests.catalogue import IMPERSONAL, LOG, OPENED, PERSONAL, TOLD, Told
from tests.http.routes import logged
from tests.persons import CALLER, act, make
from tests.subject_requests.catalog import columns, contact_tables
from tests.subject_requests.test_erasure import lived


async def make_package(workspace: Any, person: UUID) -> dict[str, Any]:
    async with workspace.database.begin(CALLER) as session:
        return await package.make(session, workspace.ring, workspace.policies, Reference(person, None))


async def test_every_table_that_names_a_person_is_some_areas(workspace: Any) -> None:
    theirs = {table for area in AREAS.values() for table in area.TABLES}
    assert {table for table, _ in await contact_tables(workspace)} <= theirs
    assert theirs == set(PERSONAL), "an area and the catalogue do not name the same tables"


@pytest.mark.law("LP-61")
async def test_every_column_of_the_database_is_in_the_catalogue(workspace: Any) -> None:
    found = await columns(workspace)
    ours = {table: set(has) for table, has in found.items() if not table.startswith("procrastinate")}
    assert set(ours) == set(PERSONAL) | set(IMPERSONAL)
    assert {table: ours[table] for table in PERSONAL} == {table: set(has) for table, has in PERSONAL.items()}
    opened = {(table, column) for table, has in PERSONAL.items() for column in has if has[column] is OPENED}
    assert opened == {(c.table, c.column) for c in COLUMNS.values()} - {("audit_opening", "nonce")}


# Numbers that stand for words, with what the package says of them.
WORDS: dict[tuple[str, str], tuple[int, str]] = {
    ("contact", "subscriber"): (2, "legal"),
    ("contact_past", "subscriber"): (2, "legal"),
    ("assignment", "kind"): (3, "external"),
    ("assignment", "mode"): (2, "role"),
    ("gate_row", "state"): (0, "active"),
    ("gate_state", "consent"): (4, "unconfirmed"),
    ("consent_entry", "kind"): (8, "corrected"),
    ("consent_entry", "grade"): (1, "attested"),
    ("permit", "state"): (3, "voided"),
}


# What has to be the same here and there for the rows to hang together, or has a value of its own kind.
FIXED = {
    "gate_state": {"purpose_id": 1, "channel_id": 1},
    "address": {"kind": 1},
    "contact_field": {"plain": None},
    # At most a quarter of an hour apart.
    "permit": {
        "issued_at": datetime(2001, 1, 1, tzinfo=UTC),
        "expires_at": datetime(2001, 1, 1, 0, 1, tzinfo=UTC),
    },
}


class Canaries:
    """A value for every column that nothing else has, and what the package must show for it."""

    def __init__(self) -> None:
        self.planted: dict[tuple[str, str], str] = {}
        self._number = 1000

    def plant(self, table: str, column: str, type_: str, sealed: Any) -> Any:
        self._number += 1
        n = self._number
        value, shown = self._value(table, column, type_, n, sealed)
        if isinstance(PERSONAL[table][column], Told):
            self.planted[table, column] = shown
        return value

    def _value(self, table: str, column: str, type_: str, n: int, sealed: Any) -> tuple[Any, str]:
        word = f"canary{secrets.token_hex(6)}"
        if (table, column) in WORDS:
            number, shown = WORDS[table, column]
            return number, f'"{column}": "{shown}"'
        if PERSONAL[table][column] is OPENED:
            code = next(c for c in COLUMNS.values() if (c.table, c.column) == (table, column))
            return sealed(
                code, word if table in ("assignment", "contact_field") else json.dumps({"a": word})
            ), word
        if type_ in ("smallint", "integer", "bigint"):
            return n, f'"{column}": {n}'
        if type_ == "boolean":
            return True, f'"{column}": true'
        if type_ == "uuid":
            made = new_id()
            return made, str(made)
        if type_ == "date":
            day = date(1801, 1, 1) + timedelta(days=n)
            return day, day.isoformat()
        if type_.startswith("timestamp"):
            moment = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=n, microseconds=n)
            return moment, moment.isoformat()
        if type_ == "text[]":
            return [word], word
        if type_ == "bytea":
            raw = secrets.token_bytes(32)
            return raw, raw.hex()
        assert type_ == "text", (table, column, type_)
        return word, word


@pytest.mark.law("LP-61")
async def test_a_canary_in_every_column_comes_back(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    canaries = Canaries()
    has = await columns(workspace)
    async with workspace.database.begin(CALLER) as session:
        keys = (await persons.load(session, workspace.ring, [person]))[person]
        (address,) = await session.all("SELECT address_id FROM assignment WHERE contact_id = %s", (person,))
        identifier = await session.value(
            "SELECT identifier_id FROM assignment WHERE contact_id = %s", (person,)
        )

    def sealed(column: SealedColumn, text: str) -> bytes:
        return keys.seal(column, text.encode())

    links = {
        "contact_id": person, "subject_id": person, ("contact", "id"): person, "identifier_id": identifier,
        "address_id": address.address_id, ("address", "id"): address.address_id,
        ("message", "id"): (message := new_id()), ("message_attempt", "message_id"): message,
    }  # fmt: skip
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        await session.execute("DELETE FROM assignment WHERE contact_id = %s", (person,))
        await session.execute("DELETE FROM gate_state WHERE contact_id = %s", (person,))
        for table in PERSONAL:
            if table in ("identifier", "identifier_index", "person_key", "audit_opening", "erasure"):
                continue  # ids and keys; the log has a test of its own
            row = {}
            for column, type_ in has[table].items():
                value = canaries.plant(table, column, type_, sealed)
                link = links.get((table, column), links.get(column))
                if link is not None:
                    value = link
                    canaries.planted.pop((table, column), None)
                if column in FIXED.get(table, {}):
                    value = FIXED[table][column]
                    canaries.planted.pop((table, column), None)
                row[column] = value
            await _store(session, table, row)
        await _store(
            session, "contact_field",
            {"contact_id": person, "field": "locale", "plain": canaries.plant("contact_field", "plain", "text", sealed),
             "source": "x", "value": None},
        )  # fmt: skip
    text = json.dumps(await make_package(workspace, person), ensure_ascii=False)
    missing = {where: shown for where, shown in canaries.planted.items() if shown not in text}
    assert missing == {}
    assert len(canaries.planted) > 100


async def _store(session: Any, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    if table in ("contact", "gate_row", "address"):
        first = next(iter(row))
        sets = ", ".join(f'"{name}" = %({name})s' for name in row)
        await session.execute(f"UPDATE {table} SET {sets} WHERE {first} = %({first})s", row)
        return
    values = ", ".join(f"%({name})s" for name in row)
    await session.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)


@pytest.mark.law("LP-61")
@pytest.mark.law("LP-67")
async def test_the_log_tells_when_and_what_for_and_not_who(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    from dataclasses import replace

    from registry.audit import entries

    actor = "key:01890a5d-ac96-774b-bcce-b302099a8057"
    asked = replace(CALLER, actor=actor, purpose="canary-purpose", reason="canary reason 77")
    async with workspace.database.begin(asked) as session:
        await entries.append(session, workspace.ring, "contact.read", subjects=[person], kinds=["canarykind"])
    told = await make_package(workspace, person)
    last = told["data"]["audit"]["entries"][-1]
    assert set(last) == {"entry", *(name for name, how in LOG.items() if how is TOLD)}
    assert (last["purpose"], last["reason"], last["kinds"]) == (
        "canary-purpose",
        "canary reason 77",
        ["canarykind"],
    )
    assert "01890a5d-ac96" not in json.dumps(told)


async def test_what_is_to_be_told_beside_the_data(workspace: Any) -> None:
    anna = await lived(workspace)
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE contact SET locale = 'lv' WHERE id = %s", (anna,))
    told = (await make_package(workspace, anna))["information"]
    assert {one["id"] for one in told["purposes"]} >= {"newsletter"}
    newsletter = next(one for one in told["purposes"] if one["id"] == "newsletter")
    assert newsletter["basis"] == "consent" and newsletter["recipients"] == ["SIA Dzintara Dati"]
    assert [one["name"] for one in told["controllers"]] == ["SIA Nordwind"]
    assert [one["name"] for one in told["recipients"]] == ["SIA Dzintara Dati"]
    assert told["complaint"] == [{"name": "Datu valsts inspekcija", "url": "https://www.dvi.gov.lv"}]
    assert told["rights"][0] == "Jūs varat saņemt savu datu kopiju (VDAR 15. pants)."
    assert len(told["rights"]) == 8
    assert "VDAR 22. pants" in told["automated_decisions"]["logic"]
    assert {"test", "shop"} <= set(told["sources"])
    assert {one["kind"] for one in told["kinds"]} >= {
        "email",
        "external",
        "first_name",
        "consents",
        "grounds",
    }
    assert {one["id"] for one in told["terms"]} >= {"identity", "proof"}


async def test_the_notice_that_was_shown_and_the_evidence_are_in_it(workspace: Any) -> None:
    anna = await lived(workspace)
    made = await make_package(workspace, anna)
    (entry,) = made["data"]["consents"]["entries"]
    assert "Nordwind" in entry["notice"] and entry["evidence"] == {"ip": "192.0.2.7"}
    assert made["items"] == package.items(made["data"]) > 50
    (ground,) = made["data"]["consents"]["grounds"]
    assert ground["evidence"] == {"order": "4711"}


async def test_nothing_of_the_other_person_at_the_same_address(workspace: Any) -> None:
    anna = await make(workspace, "both@example.test", external="C-1", fields={"first_name": "Anna"})
    bob = await make(workspace, "both@example.test", external="C-2", fields={"first_name": "Bobkanarek"})
    await act(workspace, bob, EntryKind.OBJECTED)
    text = json.dumps(await make_package(workspace, anna))
    assert "Anna" in text and "both@example.test" in text
    assert "Bobkanarek" not in text and "C-2" not in text and str(bob) not in text


async def test_the_export_is_itself_in_the_log_and_a_request(workspace: Any) -> None:
    anna = await lived(workspace)
    async with logged(workspace) as entries:
        made = await make_package(workspace, anna)
    (entry,) = (one for one in entries() if one["action"] == "contact.export")
    assert entry["detail"] == {"request": made["request"]}
    again = await make_package(workspace, anna)
    assert [one["kind"] for one in again["data"]["subject_requests"]["requests"]] == ["access"]
    assert any(one["action"] == "contact.export" for one in again["data"]["audit"]["entries"])
