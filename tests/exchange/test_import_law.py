"""What the law asks of an import, on a real database: it makes no consent, and brings nobody back."""

from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.exchange.files import ATTESTED, mailchimp, row
from tests.exchange.loading import HOME, load_rows
from tests.persons import CALLER, act, make, reason


@pytest.mark.law("LP-21")
async def test_a_row_without_evidence_is_never_sendable(workspace: Workspace, tmp_path: Path) -> None:
    lacking = {
        "none": {"OPTIN_TIME": "", "OPTIN_IP": ""},
        "confirmed": {"OPTIN_TIME": "", "CONFIRM_TIME": "2025-01-01"},
    }
    rows = [row(f"{name}@x.test", **cells) for name, cells in lacking.items()]
    done = await load_rows(workspace, tmp_path, subscribed=rows)
    assert (done.counts.unknown, done.counts.granted) == (2, 0)
    for name in lacking:
        assert await reason(workspace, f"email:{name}@x.test") == "consent.unknown_origin"


@pytest.mark.law("LP-21")
@pytest.mark.parametrize("key", sorted(ATTESTED))
async def test_nothing_is_evidence_that_nobody_vouches_for(
    workspace: Workspace, tmp_path: Path, key: str
) -> None:
    told = mailchimp(attested={name: value for name, value in ATTESTED.items() if name != key})
    done = await load_rows(workspace, tmp_path, told, subscribed=[row(HOME)])
    assert done.missing_attestation == (key,)
    assert await reason(workspace, f"email:{HOME}") == "consent.unknown_origin"


@pytest.mark.law("LP-05")
async def test_a_yes_that_also_accepted_something_else_is_invalid(
    workspace: Workspace, tmp_path: Path
) -> None:
    told = mailchimp(attested={**ATTESTED, "bundled_with": ["terms of service", "age over 16"]})
    done = await load_rows(workspace, tmp_path, told, subscribed=[row(HOME)])
    assert (done.counts.invalidated, done.counts.granted) == (1, 0)
    assert await reason(workspace, f"email:{HOME}") == "consent.missing"
    async with workspace.database.begin(CALLER) as session:
        kinds = [one.kind for one in await session.all("SELECT kind FROM consent_entry")]
    assert kinds == [EntryKind.INVALIDATED]


@pytest.mark.law("LP-22")
async def test_a_no_is_heard_whatever_else_its_row_holds_and_the_report_says_what_was_left_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    people = {"anna@x.test": {"name": "x" * 5000}, "jan@x.test": {"id": "x" * 5000}, "ewa@x.test": {}}
    for address in people:
        await make(workspace, address)
        await act(workspace, f"email:{address}", EntryKind.GRANTED)
    rows = [row(address, **cells) for address, cells in people.items()]
    done = await load_rows(workspace, tmp_path, unsubscribed=rows)
    for address in people:
        assert await reason(workspace, f"email:{address}") != "permit"
    assert (done.counts.withdrawn, done.counts.rejected.total()) == (3, 0)
    assert done.told()["dropped_by"] == {"field.too_long": 1, "identifier.invalid": 1}
    assert done.rejects is not None
    reasons = [line.rpartition(",")[2] for line in done.rejects.read_text().splitlines()]
    assert reasons == ["reason", "taken without: field.too_long", "taken without: identifier.invalid"]


@pytest.mark.law("LP-22")
@pytest.mark.parametrize("address", ["", "anna.at.example"])
@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_no_without_an_address_is_heard_by_the_persons_own_id(
    workspace: Workspace, tmp_path: Path, address: str, dry_run: bool
) -> None:
    person = await make(workspace, HOME, external="C1")
    await act(workspace, f"email:{HOME}", EntryKind.GRANTED)
    rows = [row(address, id="C1"), row(address, id="C2"), row(address)]
    dead = [row(address, id="C1")]
    done = await load_rows(workspace, tmp_path, dry_run=dry_run, unsubscribed=rows, cleaned=dead)
    why = "identifier.invalid" if address else "address.missing"
    assert (done.counts.created, done.counts.withdrawn, done.counts.dead) == (0, 1, 0)
    assert (dict(done.counts.rejected), dict(done.counts.dropped)) == ({why: 3}, {why: 1})
    assert await reason(workspace, person) == ("permit" if dry_run else "consent.withdrawn")


@pytest.mark.law("LP-22")
@pytest.mark.parametrize("time", ["2025-05-05 12:00:00", ""])
@pytest.mark.parametrize("by", [f"email:{HOME}", "external:C1"])
async def test_an_import_brings_nobody_back_who_withdrew(
    workspace: Workspace, tmp_path: Path, time: str, by: str
) -> None:
    await make(workspace, HOME, external="C1")
    await act(workspace, f"email:{HOME}", EntryKind.GRANTED)
    await act(workspace, by, EntryKind.WITHDRAWN)
    before = await reason(workspace, "external:C1")
    assert before in ("consent.withdrawn", "address.suppressed")
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1", OPTIN_TIME=time)])
    assert await reason(workspace, "external:C1") == before


@pytest.mark.law("LP-22")
async def test_who_left_stays_away_whichever_file_comes_later(workspace: Workspace, tmp_path: Path) -> None:
    gone = row(HOME, id="C1", UNSUB_TIME="2025-06-01 00:00:00")
    await load_rows(workspace, tmp_path, unsubscribed=[gone])
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1")])
    assert await reason(workspace, "external:C1") == "address.suppressed"
    await act(workspace, f"email:{HOME}", EntryKind.GRANTED)
    assert await reason(workspace, "external:C1") == "permit"
    # What was said before the person's own yes is no news.
    await load_rows(workspace, tmp_path, unsubscribed=[gone])
    assert await reason(workspace, "external:C1") == "permit"


@pytest.mark.law("LP-74")
@pytest.mark.parametrize("spelling", ["HOME@X.TEST", "h.o.me@x.test", "home+shop@x.test"])
async def test_a_no_is_known_by_the_address_however_it_is_written(
    workspace: Workspace, tmp_path: Path, spelling: str
) -> None:
    await load_rows(workspace, tmp_path, unsubscribed=[row(HOME, id="C1")])
    await load_rows(workspace, tmp_path, subscribed=[row(spelling, id="C2", name="Jan Nowak")])
    assert await reason(workspace, "external:C2") == "address.suppressed"


@pytest.mark.law("LP-48")
async def test_every_item_names_its_source(workspace: Workspace, tmp_path: Path) -> None:
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1", name="Anna Nowak")])
    async with workspace.database.begin(CALLER) as session:
        for table in ("contact", "assignment", "contact_field", "consent_entry"):
            sources = {one.source for one in await session.all(f"SELECT source FROM {table}")}
            assert sources == {"mailchimp export"}, table
