"""`policy diff` against the gate: what it says would change is what changes, person by person, once it is applied."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.exchange import imports, mapping, sample
from registry.gate import facts, policy_diff, rules, service
from registry.gate.model import Question
from registry.gate.policy_changes import Difference, Pair
from registry.kit.config import Settings
from registry.kit.ids import NIL
from registry.opening import opened
from registry.policy import loader
from registry.policy.in_force import Bundle, Change
from registry.policy.model import PolicySet, Subscriber
from tests.persons import CALLER, act, make, sale
from tests.policy.folders import copied, replace, rest_on_interest

NEWSLETTER = "purposes/newsletter/policy.toml"
UPDATES = "purposes/product-updates/policy.toml"
CLUB = "purposes/club-letter/policy.toml"
NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path)


async def people(workspace: Workspace, tmp_path: Path, number: int = 150) -> None:
    """A mailing list of invented people, and some who stand in every other way."""
    path = tmp_path / "sample.zip"
    sample.write(number, 7, path)
    told = mapping.load(Path(f"{path}.mapping.toml"), "mailchimp")
    await imports.run(workspace, CALLER, path, "mailchimp", told)
    for n in range(3):
        customer = await make(workspace, f"customer{n}@example.org", country="LV" if n else "PL")
        sold = ("tents",) if n < 2 else ("bicycles",)
        await sale(workspace, customer, products=sold, assignment_id=await address(workspace, customer))
    company = await make(workspace, "office@example.org", country="FI", subscriber=Subscriber.LEGAL)
    await act(workspace, company, EntryKind.OBJECTED, "product-updates")
    both = await make(workspace, "home@example.org", "work@example.org")
    await granted(workspace, both)
    member = await make(workspace, "member@example.org")
    await granted(workspace, member, EntryKind.GRANTED, "club-letter")
    for born in ("2012-02-29", "2011-06-01", "1980-01-01"):
        child = await make(workspace, f"born{born}@example.org", fields={"birth_date": born})
        await granted(workspace, child)
    asked = await make(workspace, "asked@example.org")
    await granted(workspace, asked, EntryKind.REQUESTED, "club-letter")
    gone = await make(workspace, "gone@example.org")
    await granted(workspace, gone)
    await act(workspace, gone, EntryKind.WITHDRAWN)


async def granted(
    workspace: Workspace, person: UUID, kind: EntryKind = EntryKind.GRANTED, purpose: str = "newsletter"
) -> None:
    """A grant for the first of the person's addresses."""
    await act(workspace, person, kind, purpose, assignment_id=await address(workspace, person))


async def address(workspace: Workspace, person: UUID) -> UUID:
    """The first of the person's addresses."""
    async with workspace.database.begin(CALLER) as session:
        found = await session.value(
            "SELECT id FROM assignment WHERE contact_id = %s ORDER BY id LIMIT 1", (person,)
        )
    assert isinstance(found, UUID)
    return found


async def answers(workspace: Workspace, policies: PolicySet, pair: Pair) -> dict[UUID, str]:
    """Everybody's reason, as the gate's bulk statement gives it; one for all where the policies know no such pair."""
    async with workspace.database.begin(CALLER) as session:
        constant = service.before_facts(policies, Question(NIL, *pair))
        if constant is not None:
            rows = await session.all("SELECT subject_id FROM gate_row WHERE kind = 0")
            return {row.subject_id: constant for row in rows}
        statement = facts.chunk(policies, policies.purposes[pair.purpose], pair.channel, NOW, NIL, 100_000)
        rows = await session.all(statement.text, statement.params)
    return {row.contact_id: rules.REASONS[row.code] for row in rows}


async def compare(workspace: Workspace, folder: Path) -> Difference:
    return await policy_diff.difference(
        workspace.database, workspace.ring, CALLER, workspace.policies, loader.load(folder), NOW
    )


def change(folder: Path) -> Change:
    return Change(Bundle.of(folder), "dpo", "a test")


_CLASS = 'class = "marketing"'
_LATVIA = 'grounds = ["consent", "soft_opt_in"]\nsince = 2005-12-14'
# What is edited in which file, and whether the gate's rows are enough to tell what follows.
CHANGES = {
    "a shorter term of consent": (NEWSLETTER, _CLASS, f"{_CLASS}\nvalid_for_days = 700", "rows"),
    "a term of inactivity": (NEWSLETTER, _CLASS, f"{_CLASS}\ninactive_after_days = 300", "rows"),
    "no ground for customers": (UPDATES, '"soft_opt_in", "consent"', '"consent"', "rows"),
    "a law that asks for consent": (
        "eprivacy.toml",
        _LATVIA,
        'grounds = ["consent"]\nsince = 2005-12-14',
        "rows",
    ),
    "hours in which nothing goes": (
        "schedule.toml",
        'channels = ["sms"]\nfrom = 21:00:00',
        'channels = ["sms", "email"]\nfrom = 10:00:00',
        "rows",
    ),
    "a better grade": (NEWSLETTER, 'least_grade = "attested"', 'least_grade = "first_party"', "records"),
    "fewer similar products": (UPDATES, '"tents", ', "", "records"),
    "no second step": (CLUB, "double_opt_in = true", "double_opt_in = false", "records"),
    "one more channel": (NEWSLETTER, 'channels = ["email"]', 'channels = ["email", "sms"]', "records"),
    "another age of consent": (
        "ages.toml",
        'country = "LV"\nage = 13',
        'country = "LV"\nage = 15',
        "records",
    ),
    "an older test of interests": (
        "balancing.toml",
        "review_by = 2031-01-12",
        "review_by = 2027-05-01",
        "records",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_whoever_would_be_answered_differently_is_once_the_policies_are_applied(
    settings: Settings, tmp_path: Path, folder: Path, name: str
) -> None:
    file, old, new, method = CHANGES[name]
    async with opened(settings, change=change(folder)) as workspace:
        await people(workspace, tmp_path)
        replace(folder, file, old, new)
        found = await compare(workspace, folder)
        before = {one.pair: await answers(workspace, workspace.policies, one.pair) for one in found.compared}
    changed = [one for one in found.compared if one.changes]
    assert changed
    assert {one.method for one in found.compared if one.method != "none"} == {method}
    async with opened(settings, change=change(folder)) as workspace:
        after = {one.pair: await answers(workspace, workspace.policies, one.pair) for one in found.compared}
        bulk = {}
        for one in found.compared:
            async with workspace.database.begin(CALLER) as session:
                found_purpose = workspace.policies.purposes[one.pair.purpose]
                counted = facts.counted(workspace.policies, found_purpose, one.pair.channel, NOW)
                rows = await session.all(counted.text, counted.params)
            bulk[one.pair] = {rules.REASONS[row.code]: row.persons for row in rows}
    for one in found.compared:
        was, now = before[one.pair], after[one.pair]
        assert was.keys() == now.keys()
        moved = Counter((was[person], now[person]) for person in was if was[person] != now[person])
        assert {(c.before, c.after): c.persons for c in one.changes} == moved, one.pair
        assert one.method == "none" or one.persons == len(was)
        assert Counter(now.values()) == bulk[one.pair]
        for c in one.changes:
            assert c.examples
            assert all((was[person], now[person]) == (c.before, c.after) for person in c.examples)


async def test_a_purpose_that_ends_refuses_everybody_and_one_that_begins_is_worked_out_from_the_records(
    settings: Settings, tmp_path: Path, folder: Path
) -> None:
    async with opened(settings, change=change(folder)) as workspace:
        await people(workspace, tmp_path, 30)
        club, news = Pair("club-letter", "email"), Pair("newsletter", "email")
        was = await answers(workspace, workspace.policies, news)
        # The letter under a new name, as if people had been asked for something else: nobody has agreed to it.
        source = folder / "purposes/newsletter"
        source.rename(folder / "purposes/other-news")
        for notice in (folder / "purposes/other-news").glob("notice.*.md"):
            notice.write_text(notice.read_text().replace("newsletter", "other-news"))
        fields = folder / "fields.toml"
        fields.write_text(fields.read_text().replace('"newsletter"', '"other-news"'))
        found = await compare(workspace, folder)
    by = {one.pair: one for one in found.compared}
    assert by[news].method == "rows"
    assert {(c.before, c.after): c.persons for c in by[news].changes} == {
        (reason, "purpose.unknown"): persons for reason, persons in Counter(was.values()).items()
    }
    begun = by[Pair("other-news", "email")]
    assert begun.method == "records"
    assert {c.before for c in begun.changes} == {"purpose.unknown"}
    assert sum(c.persons for c in begun.changes) == len(was)
    assert not any(c.after == "permit" for c in begun.changes)
    assert by[club].changes == ()
    assert found.keys["newsletter"] == ["the purpose ends"]
    assert found.keys["other-news"] == ["the purpose is new"]


async def test_the_same_policies_differ_in_nothing_and_nothing_is_scanned(
    settings: Settings, folder: Path
) -> None:
    async with opened(settings, change=change(folder)) as workspace:
        found = await compare(workspace, folder)
    assert found.keys == {}
    assert {one.method for one in found.compared} == {"none"}


async def test_nothing_is_written_but_one_entry_that_names_the_examples_as_its_subjects(
    settings: Settings, tmp_path: Path, folder: Path
) -> None:
    async with opened(settings, change=change(folder)) as workspace:
        await people(workspace, tmp_path, 30)
        replace(folder, NEWSLETTER, 'least_grade = "attested"', 'least_grade = "first_party"')
        before = await _written(workspace)
        found = await compare(workspace, folder)
        assert found.total("blocked") > 0
        assert await _written(workspace) == before
        async with workspace.database.begin(CALLER) as session:
            rows = await session.all(
                "SELECT id FROM audit_entry WHERE position('policy.diff'::bytea in body) > 0"
            )
            assert len(rows) == 1
            opened_for = await session.all(
                "SELECT contact_id FROM audit_opening WHERE entry_id = %s", (rows[0].id,)
            )
        examples = {person for one in found.changes for person in one.examples}
        assert {row.contact_id for row in opened_for} == examples


async def _written(workspace: Workspace) -> dict[str, int]:
    tables = ("gate_state", "consent_entry", "decision", "policy_version", "policy_set", "purpose", "channel")
    async with workspace.database.begin(CALLER) as session:
        return {table: await session.value(f"SELECT count(*) FROM {table}") for table in tables}


async def test_the_comparison_runs_where_nothing_can_be_written(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def writes(session: object, *_: object) -> None:
        await session.execute("DELETE FROM gate_state")  # type: ignore[attr-defined]

    monkeypatch.setattr(policy_diff, "_compare", writes)
    async with opened(settings, change=change(folder)) as workspace:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await compare(workspace, folder)


@pytest.mark.law("LP-18")
async def test_a_purpose_moved_to_interest_is_told_of_before_it_is_refused(
    settings: Settings, tmp_path: Path, folder: Path
) -> None:
    """The comparison looks at any policies; only putting them in force asks whether they may be."""
    async with opened(settings, change=change(folder)) as workspace:
        gone = await make(workspace, "gone@example.org")
        await granted(workspace, gone)
        await act(workspace, gone, EntryKind.WITHDRAWN)
        rest_on_interest(folder, "newsletter")
        found = await compare(workspace, folder)
    (one,) = [c for c in found.changes if c.purpose == "newsletter"]
    assert (one.before, one.after) == ("consent.withdrawn", "purpose.objected")
