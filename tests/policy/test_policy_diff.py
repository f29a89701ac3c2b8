"""`policy diff` against the gate: what it says would change is what changes, person by person, once it is applied."""

from collections import Counter
from pathlib import Path

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.gate import audience, policy_diff, rules
from registry.gate.policy_changes import Answered, Difference, Pair
from registry.kit.config import Settings
from registry.opening import opened
from registry.policy import loader
from registry.policy.differing import differences
from tests.persons import CALLER, act, make
from tests.policy.audience import (
    CLUB,
    NEWSLETTER,
    NOW,
    UPDATES,
    answers,
    change,
    granted,
    naming,
    people,
)
from tests.policy.folders import replace, rest_on_interest


async def compare(workspace: Workspace, folder: Path, named: list[Answered] | None = None) -> Difference:
    return await policy_diff.difference(
        workspace.database,
        workspace.ring,
        CALLER,
        workspace.policies,
        loader.load(folder),
        NOW,
        naming=None if named is None else naming(workspace, named),
    )


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
        named: list[Answered] = []
        found = await compare(workspace, folder, named)
        before = {one.pair: await answers(workspace, workspace.policies, one.pair) for one in found.compared}
    assert named
    assert {one.method for one in found.compared if one.method != "none"} == {method}
    async with opened(settings, change=change(folder)) as workspace:
        after = {one.pair: await answers(workspace, workspace.policies, one.pair) for one in found.compared}
        bulk = {}
        for one in found.compared:
            async with workspace.database.begin(CALLER) as session:
                found_purpose = workspace.policies.purposes[one.pair.purpose]
                counted = audience.counted(workspace.policies, found_purpose, one.pair.channel, NOW)
                rows = await session.all(counted.text, counted.params)
            bulk[one.pair] = {rules.REASONS[row.code]: row.persons for row in rows}
    for one in found.compared:
        was, now = before[one.pair], after[one.pair]
        assert was.keys() == now.keys()
        moved = {person: (was[person], now[person]) for person in was if was[person] != now[person]}
        told = {a.person: (a.before, a.after) for a in named if a[1:3] == one.pair}
        assert told == moved, one.pair
        assert len([a for a in named if a[1:3] == one.pair]) == len(told)
        assert {(c.before, c.after): c.persons for c in one.changes} == Counter(moved.values()), one.pair
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
        named: list[Answered] = []
        found = await compare(workspace, folder, named)
    assert {a.person: a.before for a in named if a[1:] == (*news, a.before, "purpose.unknown")} == was
    assert {a.person for a in named if a.before == "purpose.unknown"} == was.keys()
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


_QUIET = (
    '\n[[quiet]]\nchannels = ["email"]\nfrom = 21:00:00\nuntil = 08:00:00\ndays = ["saturday", "sunday"]\n'
)
_RULE = (
    '{"channels": ["email"], "from": "21:00:00", "until": "08:00:00", "days": ["saturday", "sunday"],'
    ' "classes": ["marketing"]}'
)


def test_hours_for_a_channel_are_one_whole_line_and_no_clock_that_was_there(folder: Path) -> None:
    old = loader.load(folder)
    schedule = folder / "schedule.toml"
    schedule.write_text(schedule.read_text("utf-8") + _QUIET, "utf-8")
    new = loader.load(folder)
    assert differences(old, new, "newsletter") == [f"schedule.quiet: + {_RULE}"]
    assert differences(new, old, "newsletter") == [f"schedule.quiet: - {_RULE}"]


def test_a_channel_more_is_told_without_the_lists_caps_and_laws_that_were_there(folder: Path) -> None:
    old = loader.load(folder)
    replace(folder, NEWSLETTER, 'channels = ["email"]', 'channels = ["email", "sms"]')
    new = loader.load(folder)
    assert differences(old, new, "newsletter") == ["purpose.channels: + sms"]
    assert differences(new, old, "newsletter") == ["purpose.channels: - sms"]


def test_what_begins_to_bear_on_a_purpose_and_changes_too_is_told(folder: Path) -> None:
    old = loader.load(folder)
    replace(folder, NEWSLETTER, 'channels = ["email"]', 'channels = ["email", "sms"]')
    replace(folder, "schedule.toml", 'channel = "sms"\nmessages = 8', 'channel = "sms"\nmessages = 9')
    replace(folder, "lists.toml", 'channels = ["call", "sms"]', 'channels = ["sms"]')
    said = differences(old, loader.load(folder), "newsletter")
    assert said[1:] == [
        "purpose.channels: + sms",
        'schedule.caps: + {"controller": "nordwind", "channel": "sms", "messages": 9, "days": 30}',
    ]
    assert said[0].endswith(".channels: - call")


def test_interests_that_were_weighed_before_are_named_and_not_told_anew(folder: Path) -> None:
    old = loader.load(folder)
    rest_on_interest(folder, "newsletter")
    said = differences(old, loader.load(folder), "newsletter")
    assert "purpose.balancing: none -> product-letters" in said
    assert not [line for line in said if line.startswith(("balancing", "ages"))]


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
