"""Do-not-call and do-not-mail lists: imported as keyed codes, felt at once and later, and needed for an exemption."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from click.testing import CliRunner

from registry.access.workspace import Workspace
from registry.cli import zgoda
from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.exchange import list_imports, list_states
from registry.exchange.list_imports import Listed
from registry.kit import clock
from registry.kit.errors import Misuse, NotFound, Refused
from registry.policy.lists import fresh_until, latest, stale_countries
from registry.policy.model import ChannelGround, PolicySet, Subscriber
from tests.persons import CALLER, act, check, make, reason

NUMBER = "+32470123456"
LIST = "be-bel-me-niet-meer"
CALLS = "product-updates"


@pytest.fixture
def calling(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Policies under which product letters may also be told by telephone, on a national exemption."""
    purposes = dict(workspace.policies.purposes)
    update = {"channels": ("email", "call"), "grounds": tuple(ChannelGround)}
    purposes[CALLS] = purposes[CALLS].model_copy(update=update)
    # At any hour and on Sundays, too.
    schedule = workspace.policies.schedule.model_copy(update={"quiet": ()})
    told: PolicySet = workspace.policies.model_copy(
        update={"purposes": purposes, "schedule": schedule, "list_imports": {}}
    )
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    return replace(workspace, policies=told)


async def caller_of(workspace: Workspace, *numbers: str, country: str = "BE") -> UUID:
    """One person with these telephone numbers."""
    identifiers = [NewIdentifier(normalise(Kind.PHONE, text)) for text in numbers]
    new = NewContact(identifiers, "test", country=country, subscriber=Subscriber.NATURAL)
    async with workspace.database.begin(CALLER) as session:
        (made,) = await contacts.create(session, workspace.ring, workspace.policies, [new])
    return made


async def load(workspace: Workspace, tmp_path: Path, *entries: str, name: str = LIST, **more: Any) -> Listed:
    path = tmp_path / "list.txt"
    path.write_text("\n".join(entries))
    done = await list_imports.run(workspace, CALLER, name, path, **more)
    async with workspace.database.begin(CALLER) as session:
        await list_states.remember(session, workspace.policies)
    return done


def told(workspace: Workspace, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `zgoda list` with these arguments."""
    urls = ("data", "database_url", "app_url", "retention_url")
    env = {f"ZGODA_{name.upper()}": str(getattr(workspace.settings, name)) for name in urls}
    done = CliRunner().invoke(zgoda, ["--json", "list", *arguments], env=env)
    if isinstance(done.exception, Refused):
        return 1, {"code": done.exception.code, "field": done.exception.field, "mend": done.exception.mend}
    assert done.exit_code == 0, done.output
    return 0, json.loads(done.stdout)


async def zgoda_list(workspace: Workspace, *arguments: str) -> tuple[int, dict[str, Any]]:
    return await asyncio.to_thread(told, workspace, *arguments)


async def test_an_exemption_holds_only_while_the_list_is_fresh(calling: Workspace, tmp_path: Path) -> None:
    person = await caller_of(calling, NUMBER)
    assert await reason(calling, person, CALLS, "call") == "channel.ground_missing"
    today = clock.now().date()
    await load(calling, tmp_path, "+32470999999", whole=True, dated=today - timedelta(days=32))
    assert await reason(calling, person, CALLS, "call") == "channel.ground_missing"
    # A file that only adds says nothing of whether the rest is up to date.
    await load(calling, tmp_path, "+32470999998")
    assert await reason(calling, person, CALLS, "call") == "channel.ground_missing"
    both = ("+32470999999", "+32470999998")
    await load(calling, tmp_path, *both, whole=True, dated=today - timedelta(days=31))
    decision = await check(calling, person, CALLS, "call")
    assert decision.channel_ground == "exemption"


async def test_who_is_listed_is_not_called_and_is_again_once_the_whole_list_leaves_them_out(
    calling: Workspace, tmp_path: Path
) -> None:
    person = await caller_of(calling, NUMBER)
    done = await load(calling, tmp_path, NUMBER, "0470 99 99 99", whole=True)
    assert (done.entries, done.listed, done.affected) == (2, 2, 1)
    assert await reason(calling, person, CALLS, "call") == "address.listed"
    again = await load(calling, tmp_path, NUMBER, "0470 99 99 99", whole=True)
    assert (again.listed, again.unlisted) == (0, 0)
    done = await load(calling, tmp_path, "0470 99 99 99", whole=True)
    assert (done.listed, done.unlisted) == (0, 1)
    assert await reason(calling, person, CALLS, "call") == "permit"
    await load(calling, tmp_path, NUMBER)
    assert await reason(calling, person, CALLS, "call") == "address.listed"


async def test_a_number_that_is_assigned_later_is_on_the_list_already(
    calling: Workspace, tmp_path: Path
) -> None:
    await load(calling, tmp_path, NUMBER)
    person = await caller_of(calling, NUMBER)
    assert await reason(calling, person, CALLS, "call") == "address.listed"


async def test_consent_goes_before_a_national_list(calling: Workspace, tmp_path: Path) -> None:
    person = await caller_of(calling, NUMBER)
    await load(calling, tmp_path, NUMBER)
    await act(calling, f"phone:{NUMBER}", EntryKind.GRANTED, CALLS, "call")
    assert await reason(calling, person, CALLS, "call") == "permit"


async def test_a_controllers_own_list_is_the_address_s_no_also_to_what_was_consented_to(
    workspace: Workspace, tmp_path: Path
) -> None:
    person = await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    other = await make(workspace, "bob@example.test")
    await act(workspace, "email:bob@example.test", EntryKind.GRANTED)
    await load(workspace, tmp_path, "ANNA@example.test", name="own-nordwind")
    assert await reason(workspace, person) == "address.suppressed"
    assert await reason(workspace, other) == "permit"
    assert await reason(workspace, person, "order-messages") == "basis.facts_missing"
    with pytest.raises(Misuse, match=r"list\.own"):
        await load(workspace, tmp_path, "x@example.test", name="own-nordwind", whole=True)
    # The person's own later word at first hand lifts it, as it lifts every such "no".
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    assert await reason(workspace, person) == "permit"


async def test_a_number_is_kept_as_a_keyed_code_alone(workspace: Workspace, tmp_path: Path) -> None:
    await load(workspace, tmp_path, NUMBER)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT l.*, a.mac FROM address_listing l JOIN address a ON a.id = address_id"
        )
        entries = await session.all("SELECT body FROM audit_entry")
    assert len(rows) == 1
    for text in (repr(rows), repr(entries)):
        assert "470123456" not in text


async def test_entries_that_are_none_are_rejected_by_place_and_block_a_striking_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    await load(workspace, tmp_path, NUMBER, "+32470999999")
    with pytest.raises(Refused, match=r"list\.incomplete"):
        await load(workspace, tmp_path, "+32470999999", "nobody", "anna@example.test", "", whole=True)
    rejects = (tmp_path / "list.txt.rejects.csv").read_text()
    assert rejects == ("file,row,reason\nlist.txt,2,identifier.invalid\nlist.txt,3,address.kind_unlisted\n")
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM address_listing WHERE unlisted_at IS NULL") == 2
        assert await session.value("SELECT count(*) FROM list_import") == 1


async def test_a_list_that_lost_more_than_half_is_refused_until_somebody_says_so(
    workspace: Workspace, tmp_path: Path
) -> None:
    await load(workspace, tmp_path, *(f"+3247000000{n}" for n in range(5)))
    for files in ((), ("+32470000001",)):
        with pytest.raises(Refused, match=r"list\.(incomplete|shrunk)"):
            await load(workspace, tmp_path, *files, whole=True)
    done = await load(workspace, tmp_path, "+32470000001", whole=True, shrink=True)
    assert done.unlisted == 4


async def test_a_dry_run_counts_and_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    done = await load(workspace, tmp_path, NUMBER, NUMBER, "x", dry_run=True)
    assert (done.entries, done.listed, done.rejected) == (2, 1, {"identifier.invalid": 1})
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM address") == 0
    assert not (tmp_path / "list.txt.rejects.csv").exists()


async def test_a_column_of_a_csv_is_read_and_a_file_of_several_needs_one_named(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = ("Nom;Téléphone", "Anna;0470 12 34 56", ";", "Bob;0470 99 99 99")
    done = await load(workspace, tmp_path, *rows, column="téléphone")
    assert (done.entries, done.rejected) == (2, {})
    for column in (None, "Fax"):
        with pytest.raises(Misuse, match=r"column\.missing"):
            await load(workspace, tmp_path, *rows, column=column)


async def test_an_unknown_list_and_one_of_tomorrow_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"list\.unknown"):
        await load(workspace, tmp_path, NUMBER, name="nobodys")
    with pytest.raises(Misuse, match=r"list\.in_future"):
        await load(workspace, tmp_path, NUMBER, dated=clock.now().date() + timedelta(days=1))


async def test_who_asks_on_the_telephone_is_put_on_the_own_list_over_http(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    body = {"entries": ["anna@example.test", "+37120000000"]}
    made = await admin.post("/api/v1/lists/own-nordwind/entries", json=body)
    assert (made.status_code, made.json()) == (201, {"listed": 2, "persons": 1})
    assert await reason(workspace, person) == "address.suppressed"
    shown = (await admin.get("/api/v1/lists")).json()["lists"]
    states = {one["id"]: one for one in shown}
    assert states["own-nordwind"]["entries"] == 2
    assert (states[LIST]["usable"], states[LIST]["dated"]) == (False, None)
    for name, entries, code in (
        (LIST, [NUMBER], "list.national"),
        ("nobodys", [NUMBER], "list.unknown"),
        ("own-nordwind", ["+371"], "identifier.invalid"),
    ):
        refused = await admin.post(f"/api/v1/lists/{name}/entries", json={"entries": entries})
        assert refused.json()["code"] == code, refused.text


def test_a_list_is_fresh_to_its_last_day_and_as_it_was_known_then(workspace: Workspace) -> None:
    lists = workspace.policies.lists.values()
    imported = clock.now() - timedelta(days=10)
    known = {LIST: ((imported, imported.date()),)}

    def stale(days: float) -> bool:
        return "BE" in stale_countries(lists, known, "call", imported + timedelta(days=days))

    assert [stale(days) for days in (-0.01, 0, 31, 32.1)] == [True, False, False, True]


def test_a_list_is_as_fresh_as_the_whole_import_by_which_its_entries_are(workspace: Workspace) -> None:
    """Also in a database where an older file was once imported after a newer one."""
    made = clock.now() - timedelta(days=10)
    imports = ((made, made.date()), (made + timedelta(days=1), made.date() - timedelta(days=2000)))
    fresh = [fresh_until(workspace.policies.lists[LIST], imports, made + timedelta(days=n)) for n in (0, 1)]
    assert fresh == [day + timedelta(days=31) for _, day in imports]
    assert latest(imports, made - timedelta(days=1)) is None
    assert "BE" in stale_countries(workspace.policies.lists.values(), {LIST: imports}, "call", clock.now())
