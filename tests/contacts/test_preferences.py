"""What a person prefers is kept, shown, and waited for; it permits nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from registry.contacts import preferences
from registry.contacts.service import ContactGone
from registry.gate import service as gate
from registry.gate.model import Outcome, Question
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.ids import new_id
from registry.policy.schedule import Part
from tests.dispatch.people import CALLER, persons


async def prefer(workspace: Any, contact_id: Any, **what: Any) -> None:
    async with workspace.database.begin(CALLER) as session:
        await preferences.prefer(session, workspace.ring, workspace.policies, contact_id, **what)


async def decide(workspace: Any, contact_id: Any, at: datetime, purpose: str = "newsletter") -> Any:
    async with workspace.database.begin(CALLER) as session:
        question = Question(contact_id, purpose, "email")
        (answer,) = await gate.decide(session, workspace.policies, [question], at)
    return answer


async def test_marketing_waits_for_the_part_of_the_day_by_the_persons_clock(workspace: Any) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    noon = datetime(clock.now().year + 1, 1, 15, 12, tzinfo=UTC)
    assert (await decide(workspace, person, noon)).permitted
    await prefer(workspace, person, part=Part.EVENING)
    answer = await decide(workspace, person, noon)
    # She lives in Latvia: at two in the afternoon, four hours before the evening.
    assert (answer.outcome, answer.reason) == (Outcome.DEFER, "schedule.preferred_time")
    assert answer.not_before == noon.replace(hour=16)
    assert (await decide(workspace, person, answer.not_before)).permitted
    await prefer(workspace, person, part=Part.EVENING, time_zone="Europe/Lisbon")
    assert (await decide(workspace, person, noon)).not_before == noon.replace(hour=18)
    await prefer(workspace, person)
    assert (await decide(workspace, person, noon)).permitted


async def test_what_one_prefers_permits_nothing(workspace: Any) -> None:
    (person,) = await persons(workspace, ["boris@example.org"], granted=False)
    await prefer(workspace, person, channel="email", part=Part.MORNING)
    assert (await decide(workspace, person, clock.now())).reason == "consent.missing"


async def test_nothing_unknown_is_preferred(workspace: Any) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    with pytest.raises(Misuse, match=r"channel\.unknown"):
        await prefer(workspace, person, channel="pigeon")
    with pytest.raises(Misuse, match=r"time_zone\.unknown"):
        await prefer(workspace, person, time_zone="Europe/Rigga")
    with pytest.raises(ContactGone):
        await prefer(workspace, new_id(), part=Part.MORNING)


async def test_over_http_it_is_kept_and_shown(workspace: Any, admin: Any) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    told = {"channel": "email", "part_of_day": "morning", "time_zone": "Europe/Riga"}
    kept = await admin.post(f"/api/v1/contacts/{person}/preferences", json=told)
    assert (kept.status_code, kept.json()) == (200, told)
    assert (await admin.get(f"/api/v1/contacts/{person}")).json()["preferences"] == told
    wrong = await admin.post(f"/api/v1/contacts/{person}/preferences", json={"part_of_day": "noon"})
    assert wrong.status_code == 400
