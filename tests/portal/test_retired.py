"""Links whose purpose is in force no more, or not read here yet: a "no" is recorded, or nobody is told that it is."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch.tokens import OneClick, Preferences, seal, seal_preferences
from registry.gate import permits
from registry.gate.permits_model import Wanted
from registry.kit.config import Settings
from registry.kit.texts import gettext_for
from registry.opening import opened
from registry.policy.in_force import Bundle, Change
from registry.subject_requests import erasure
from tests.application import client_of
from tests.persons import CALLER, act, make, reason
from tests.policy.folders import copied, end
from tests.portal.choices.asking import ANNA, NO
from tests.portal.letters import counts, ids, rows

CLUB = "club-letter"
BODY = {"List-Unsubscribe": "One-Click"}
BROWSER = {"Accept": "text/html", "Accept-Language": "pl"}
UNSUBSCRIBED = gettext_for("pl")("You have been unsubscribed")


class Changing:
    """An installation under one set of policies after the other; the purpose of the club comes and goes."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.full = settings, Bundle.of(copied(folder / "full"))
        less = copied(folder / "less")
        end(less, CLUB)
        self.without = Bundle.of(less)
        end(less, "club-confirmations")
        (less / "controllers" / "polana.toml").unlink()
        for file in ("schedule.toml", "lists.toml"):
            path = less / file
            tables = re.split(r"(?m)^(?=\[+[^].]+]+$)", path.read_text("utf-8"))
            path.write_text("".join(one for one in tables if '"polana"' not in one), "utf-8")
        self.without_controller = Bundle.of(less)

    @asynccontextmanager
    async def under(self, policies: Bundle) -> AsyncIterator[tuple[Workspace, httpx.AsyncClient]]:
        change = Change(policies, "A. Lawyer", "a season")
        async with opened(self.settings, change=change) as workspace, client_of(workspace) as client:
            client.headers.update(BROWSER)
            yield workspace, client


@pytest.fixture
def changing(settings: Settings, tmp_path: Path) -> Changing:
    return Changing(settings, tmp_path)


async def member(workspace: Workspace) -> tuple[UUID, UUID, int]:
    """Anna, who gets the letter of the club; what a link to it is made of."""
    made = await make(workspace, ANNA, country="PL")
    contact_id, assignment_id = await ids(workspace, ANNA)
    asked = await act(workspace, made, EntryKind.REQUESTED, CLUB, assignment_id=assignment_id)
    await act(workspace, made, EntryKind.CONFIRMED, CLUB, assignment_id=assignment_id, refers_to=asked.id)
    assert await reason(workspace, made, CLUB) == "permit"
    return contact_id, assignment_id, workspace.policies.purpose_ids[CLUB]


@pytest.mark.law("LP-15")
async def test_one_click_holds_when_the_purpose_comes_back(changing: Changing) -> None:
    async with changing.under(changing.full) as (workspace, _):
        anna, assignment_id, number = await member(workspace)
        title = workspace.policies.purposes[CLUB].title["pl"]
        version = workspace.policies.purposes[CLUB].version
        path = f"/p/u/{seal(workspace.ring.token, OneClick(anna, assignment_id, number))}"
        wanted = Wanted(parse_reference(str(anna)), CLUB, "email", b"x" * 32, None, 60)
        async with workspace.database.begin(CALLER) as session:
            issued = await permits.issue(session, workspace.ring, workspace.policies, wanted)
        assert issued.decision.permitted
    async with changing.under(changing.without) as (workspace, client):
        before = await counts(workspace)
        asked = await client.get(path)
        assert title in asked.text
        assert '<form method="post">' in asked.text
        assert UNSUBSCRIBED not in asked.text
        assert await counts(workspace) == before
        answer = await client.post(path, data=BODY)
        assert (answer.status_code, UNSUBSCRIBED in answer.text) == (200, True)
        assert title in answer.text
        assert "Polana" in answer.text
        (entry,) = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq DESC LIMIT 1")
        assert (EntryKind(entry.kind), entry.purpose, entry.controller, entry.channel, entry.policy) == (
            EntryKind.WITHDRAWN, CLUB, "polana", "email", version,
        )  # fmt: skip
        (refusal,) = await rows(workspace, "SELECT * FROM address_refusal")
        assert (refusal.purpose, refusal.controller, refusal.cause) == (CLUB, "polana", "one_click")
        (permit,) = await rows(workspace, "SELECT state FROM permit")
        assert permits.PermitState(permit.state) is permits.PermitState.VOIDED
        logged = await rows(workspace, "SELECT body FROM audit_entry ORDER BY id DESC LIMIT 1")
        assert b"consent.withdraw" in bytes(logged[0].body)
    async with changing.under(changing.full) as (workspace, _):
        assert await reason(workspace, anna, CLUB) in NO
        again = await make(workspace, ANNA, country="PL")
        assert await reason(workspace, again, CLUB) in NO


@pytest.mark.law("LP-15")
@pytest.mark.parametrize("left", ["without", "without_controller"])
async def test_a_no_to_all_advertising_is_taken_by_the_link_of_a_purpose_that_was_retired(
    changing: Changing, left: str
) -> None:
    async with changing.under(changing.full) as (workspace, _):
        anna, assignment_id, number = await member(workspace)
        path = (
            f"/p/prefs/{seal_preferences(workspace.ring.token, Preferences(anna, assignment_id, number, 0))}"
        )
    async with changing.under(getattr(changing, left)) as (workspace, client):
        shown = await client.get(path)
        assert 'value="take-all"' in shown.text
        assert "Polana" in shown.text
        answer = await client.post(path, data={"action": "take-all"})
        assert answer.status_code == 200
        assert 'class="told"' in answer.text
        (entry,) = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq DESC LIMIT 1")
        assert (EntryKind(entry.kind), entry.purpose, entry.controller) == (EntryKind.OBJECTED, "*", "polana")
    async with changing.under(changing.full) as (workspace, _):
        assert await reason(workspace, anna, CLUB) in NO


async def test_an_erased_person_s_link_of_a_retired_purpose_is_answered_alike_and_does_nothing(
    changing: Changing,
) -> None:
    async with changing.under(changing.full) as (workspace, _):
        anna, assignment_id, number = await member(workspace)
        one_click = seal(workspace.ring.token, OneClick(anna, assignment_id, number))
        prefs = seal_preferences(workspace.ring.token, Preferences(anna, assignment_id, number, 0))
        await erasure.erase_person(
            workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(anna))
        )
    async with changing.under(changing.without) as (workspace, client):
        before = await counts(workspace)
        answer = await client.post(f"/p/u/{one_click}", data=BODY)
        assert (answer.status_code, UNSUBSCRIBED in answer.text) == (200, True)
        told = await client.post(f"/p/prefs/{prefs}", data={"action": "take-all"})
        assert 'class="told"' not in told.text
        assert await counts(workspace) == before


@pytest.mark.law("LP-15")
@pytest.mark.parametrize("number", ["of nobody", "not read yet"])
async def test_nobody_is_told_that_it_is_done_where_the_purpose_is_not_known(
    workspace: Workspace, number: str
) -> None:
    made = await make(workspace, ANNA)
    _, assignment_id = await ids(workspace, ANNA)
    known = workspace.policies
    numbers = {"of nobody": 30_000, "not read yet": known.purpose_ids["newsletter"]}
    # What a process knows that read the policies before the newsletter was thought of.
    before = known.model_copy(
        update={
            "purposes": {name: one for name, one in known.purposes.items() if name != "newsletter"},
            "purpose_ids": {name: one for name, one in known.purpose_ids.items() if name != "newsletter"},
        }
    )
    one_click = seal(workspace.ring.token, OneClick(made, assignment_id, numbers[number]))
    prefs = seal_preferences(workspace.ring.token, Preferences(made, assignment_id, numbers[number], 0))
    things = await counts(workspace)
    async with client_of(replace(workspace, policies=before)) as client:
        for path, form in ((f"/p/u/{one_click}", BODY), (f"/p/prefs/{prefs}", {"action": "take-all"})):
            page = await client.post(path, data=form, headers=BROWSER)
            assert page.status_code == 503
            assert (
                gettext_for("pl")("Your choice has not been recorded. Please try again later.") in page.text
            )
            assert (await client.get(path, headers=BROWSER)).status_code == 503
            program = await client.post(path, data=form)
            assert (program.status_code, program.json()["code"]) == (503, "purpose.unread")
            assert "Retry-After" in program.headers
    assert await counts(workspace) == things
