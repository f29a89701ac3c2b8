"""The importer on a real database: who becomes whom, and that doing it twice changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.exchange import runs
from registry.kit.errors import Refused
from tests.exchange.files import PLAIN, archive, mailchimp, plain, row, sheet
from tests.exchange.loading import HOME, count, load, load_rows, rows_of
from tests.persons import CALLER, check, make, reason


async def test_a_row_with_evidence_may_be_sent_to(workspace: Workspace, tmp_path: Path) -> None:
    done = await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1", name="Anna Nowak")])
    assert (done.counts.created, done.counts.granted) == (1, 1)
    assert await reason(workspace, f"email:{HOME}") == "permit"
    assert await reason(workspace, "external:C1") == "permit"


async def test_the_no_of_one_binds_the_whole_household_and_a_dead_address_everybody(
    workspace: Workspace, tmp_path: Path
) -> None:
    left, stays = row(HOME, id="C1", name="Anna Nowak"), row(HOME, id="C2", name="Jan Nowak")
    await load_rows(workspace, tmp_path, subscribed=[stays], unsubscribed=[left])
    assert await reason(workspace, "external:C2") == "address.suppressed"
    await load_rows(workspace, tmp_path, cleaned=[left])
    assert await reason(workspace, "external:C1") == await reason(workspace, "external:C2") == "address.dead"


async def test_who_shares_an_address_has_an_evidence_of_their_own(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [row(HOME, id="C1", name="Anna Nowak"), row(HOME, id="C2", name="Jan Nowak", OPTIN_IP="")]
    await load_rows(workspace, tmp_path, subscribed=rows)
    assert await reason(workspace, "external:C1") == "permit"
    assert await reason(workspace, "external:C2") == "consent.unknown_origin"
    assert await reason(workspace, f"email:{HOME}") == "contact.ambiguous"
    async with workspace.database.begin(CALLER) as session:
        modes = await session.all("SELECT mode FROM assignment WHERE kind = 1")
    assert [one.mode for one in modes] == [1, 1]


async def test_two_rows_of_one_id_are_one_person_reached_where_verified_last(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [row("a@x.test", id="C1"), row("b@x.test", id="C1", CONFIRM_TIME="2025-05-05 13:00:00")]
    done = await load_rows(workspace, tmp_path, subscribed=rows)
    assert done.counts.created == 1
    decision = await check(workspace, "external:C1")
    assert decision.identifier == (await check(workspace, "email:b@x.test")).identifier


async def test_a_row_is_known_by_its_address_unless_its_name_conflicts(
    workspace: Workspace, tmp_path: Path
) -> None:
    known = await make(workspace, HOME, fields={"first_name": "Anna"})
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1", name="ANNA Nowak")])
    assert (await check(workspace, "external:C1")).contact_id == known
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C2", name="Jan Nowak")])
    assert (await check(workspace, "external:C2")).contact_id != known


async def test_completes_what_is_known_and_replaces_nothing(workspace: Workspace, tmp_path: Path) -> None:
    known = await make(workspace, HOME, external="C1", fields={"first_name": "Anna"}, country=None)
    told = mailchimp(columns={"external_id": "CUSTOMER_ID", "locale": "Language", "country": "Country"})
    later = row("b@x.test", id="C1", name="Hanna Nowak", Language="pl_PL", Country="PL")
    await load_rows(workspace, tmp_path, told, subscribed=[later])
    async with workspace.database.begin(CALLER) as session:
        fields = await session.all("SELECT field, source FROM contact_field WHERE contact_id = %s", (known,))
        about = await session.one("SELECT locale, country FROM contact WHERE id = %s", (known,))
    assert {(one.field, one.source) for one in fields} == {
        ("first_name", "test"),
        ("last_name", "mailchimp export"),
    }
    assert (about.locale, about.country) == ("pl", "PL")


async def test_again_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    people = [
        row(HOME, id="C1", name="Anna Nowak"),
        row(HOME, name="Jan Nowak"),
        row(HOME),
        row("a@x.test"),
        row("A@x.test"),
        row("b@x.test", OPTIN_TIME=""),
        row("nobody"),
    ]
    path = archive(
        tmp_path / "f.zip", subscribed=people, unsubscribed=[row("c@x.test")], cleaned=[row("d@x.test")]
    )
    first = await load(workspace, path)
    before = await rows_of(workspace)
    again = await load(workspace, path)
    assert await rows_of(workspace) == before
    assert (first.counts.created, again.counts.created) == (7, 0)
    assert again.counts.repeated == 7
    assert again.counts.granted + again.counts.unknown + again.counts.withdrawn == 0


async def test_who_complained_objected_to_all_marketing_of_the_controller_also_where_another_list_has_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    both = [row("a@x.test", id="A")]
    path = archive(tmp_path / "f.zip", subscribed=[*both, row("b@x.test", id="B")], complained=both)
    done = await load(workspace, path)
    assert (done.counts.rows, done.counts.rejected.total()) == (3, 0)
    assert await reason(workspace, "external:B") == "permit"
    for purpose in ("newsletter", "product-updates"):
        assert (await check(workspace, "external:A", purpose)).reason == "address.suppressed"
    async with workspace.database.begin(CALLER) as session:
        kinds = await session.all("SELECT kind, purpose, controller FROM consent_entry WHERE purpose = '*'")
        causes = await session.all("SELECT DISTINCT cause, purpose FROM address_refusal")
    assert [tuple(one) for one in kinds] == [(EntryKind.OBJECTED, "*", "nordwind")]
    assert [tuple(one) for one in causes] == [("complaint", "*")]


async def test_any_csv_by_its_mapping(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    rows = [
        {
            "email": HOME,
            "id": "7",
            "first": "Małgorzata",
            "time": "2025-05-05T12:00:00+02:00",
            "ip": "2001:db8::1",
        },
        {"email": "b@x.test", "id": "8", "time": "2025-05-05", "ip": "192.0.2.1", "left": "2025-06-01"},
    ]
    path.write_bytes(sheet(rows, PLAIN).replace(",", ";").encode("cp1250"))
    done = await load(workspace, path, plain(), "csv")
    assert done.encodings == ("cp1250",)
    assert await reason(workspace, "external:7") == "permit"
    assert await reason(workspace, "external:8") == "address.suppressed"


async def test_rejects_are_listed_by_number_and_reason_and_hold_no_value(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [row("a@x.test"), row("secret.person"), row("b@x.test", OPTIN_TIME="secret time")]
    path = archive(tmp_path / "f.zip", subscribed=rows)
    done = await load(workspace, path)
    assert done.rejects is not None
    listed = done.rejects.read_text().splitlines()
    name = "subscribed_members_export_1.csv"
    assert listed == ["file,row,reason", f"{name},3,identifier.invalid", f"{name},4,time.invalid"]
    assert done.rejects.stat().st_mode & 0o777 == 0o600
    await load(workspace, path, with_values=True)
    assert "secret.person" in done.rejects.read_text()


async def test_a_dry_run_counts_alike_and_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    people = [row(HOME, id="C1", name="Anna Nowak"), row(HOME, id="C2", name="Jan Nowak"), row("nobody")]
    people += [row(f"{n % 7}@x.test", id=f"D{n % 5}" if n % 2 else "") for n in range(40)]
    path = archive(tmp_path / "f.zip", subscribed=people, unsubscribed=[row("0@x.test"), row("0@x.test")])
    await load_rows(workspace, tmp_path, subscribed=people[:1])
    archive(path, subscribed=people, unsubscribed=[row("0@x.test"), row("0@x.test")])
    before = await rows_of(workspace)
    said = await load(workspace, path, dry_run=True, size=4)
    assert await rows_of(workspace) == before
    assert await count(workspace, "import_run") == 1
    done = await load(workspace, path, size=4)
    assert said.counts == done.counts


async def test_a_batch_is_one_entry_in_the_log_about_all_its_persons(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = archive(tmp_path / "f.zip", subscribed=[row(f"{n}@x.test") for n in range(25)])
    await load(workspace, path, size=10)
    async with workspace.database.begin(CALLER) as session:
        bodies = [
            json.loads(bytes(one.body))
            for one in await session.all("SELECT body FROM audit_entry ORDER BY id")
        ]
        opened = await session.value("SELECT count(*) FROM audit_opening")
    batches = [body for body in bodies if body["action"] == "import.batch"]
    assert [body["detail"]["created"] for body in batches] == [10, 10, 5]
    assert opened == 25


async def test_goes_on_at_the_row_where_it_stopped(workspace: Workspace, tmp_path: Path) -> None:
    rows = [row(f"{n}@x.test" if n % 4 else "broken") for n in range(40)]
    path = archive(tmp_path / "f.zip", subscribed=rows)

    class Killed(Exception):  # the name says the fact
        pass

    def kill(counts: Any, _done: int, _total: int) -> None:
        if counts.rows >= 20:
            raise Killed

    with pytest.raises(Killed):
        await load(workspace, path, size=10, progress=kill)
    assert await count(workspace, "contact") == 15
    with (tmp_path / "f.zip.rejects.csv").open("a") as rejects:
        rejects.write("half a li")
    done = await load(workspace, path, size=10)
    assert done.resumed
    assert (done.counts.rows, done.counts.created, done.counts.rejected.total()) == (40, 30, 10)
    listed = (tmp_path / "f.zip.rejects.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in listed[1:]] == [str(n + 2) for n in range(0, 40, 4)]


async def test_two_importers_of_one_file_are_one_too_many(workspace: Workspace, tmp_path: Path) -> None:
    path = archive(tmp_path / "f.zip", subscribed=[row(f"{n}@x.test") for n in range(40)])
    other: list[runs.Run] = []

    async def overtake(session: Any, run: runs.Run, *args: Any) -> None:
        if not other:
            other.append(run)
            await session.execute("UPDATE import_run SET next_row = next_row + 10 WHERE id = %s", (run.id,))
        await advance(session, run, *args)

    advance = runs.advance
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "advance", overtake)
        with pytest.raises(Refused) as caught:
            await load(workspace, path, size=10)
    assert caught.value.code == "import.running"
    assert await count(workspace, "contact") == 0


@pytest.mark.parametrize(
    "told", [{"purpose": "nothing"}, {"channel": "pigeon"}, {"fields": {"shoe": "First Name"}}]
)
async def test_refuses_before_anything_is_written(
    workspace: Workspace, tmp_path: Path, told: dict[str, Any]
) -> None:
    with pytest.raises(Refused):
        await load_rows(workspace, tmp_path, mailchimp(**told), subscribed=[row(HOME)])
    assert await count(workspace, "contact") == await count(workspace, "import_run") == 0
