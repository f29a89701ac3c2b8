"""Whoever asked for one message asked for that one and no other: no campaign rides on it (LP-26)."""

from pathlib import Path

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.campaigns.service import NewCampaign
from registry.consents.ledger import EntryKind
from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.policy.model import PurposeClass
from tests.law.test_advertising import campaign
from tests.persons import CALLER, act, make, reason
from tests.portal.letters import delivered

ANNA = "anna@example.test"
ASKED = "club-confirmations"
TEXT, HTML = "Please subscribe again: https://polana.example", "<p>Please subscribe again</p>"


async def asked_once(workspace: Workspace, folder: Path) -> None:
    """Anna asked for the club's letter, was sent the one letter about it, and then refused all marketing."""
    person = await make(workspace, ANNA, country="PL")
    await act(workspace, f"email:{ANNA}", EntryKind.REQUESTED, "club-letter")
    assert [mail["To"] for mail in await delivered(workspace, folder)] == [ANNA]
    await act(workspace, person, EntryKind.OBJECTED, "*", "*", controller="polana")
    # The fact that she asked lives on until its term.
    assert await reason(workspace, person, ASKED) == "permit"


@pytest.mark.law("LP-26")
async def test_one_request_carries_no_campaign(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    await asked_once(workspace, tmp_path)
    answer = await admin.post("/api/v1/campaigns", json=campaign(ASKED, TEXT, HTML))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "campaign.requested_purpose"), answer.text
    assert told["field"] == "/purpose"
    assert await delivered(workspace, tmp_path) == []


@pytest.mark.law("LP-26")
async def test_a_campaign_from_before_its_purpose_had_the_class_is_stopped_on_its_way(
    workspace: Workspace, tmp_path: Path
) -> None:
    await asked_once(workspace, tmp_path)
    purposes = dict(workspace.policies.purposes)
    purposes[ASKED] = purposes[ASKED].model_copy(update={"class_": PurposeClass.SERVICE})
    before = workspace.policies.model_copy(update={"purposes": purposes})
    new = NewCampaign(ASKED, "email", TemplateSet({"en": TemplateText("We miss you", TEXT, HTML)}, "en"))
    async with workspace.database.begin(CALLER) as session:
        campaign_id = await campaigns.create(
            session, workspace.ring, before, new, workspace.settings.base_url
        )
    await campaigns.fill(workspace.database, workspace.ring, workspace.policies, campaign_id, CALLER)
    assert await delivered(workspace, tmp_path) == []
    async with workspace.database.begin(CALLER) as session:
        found = await campaigns.show(session, campaign_id)
    assert found.reasons == {"failed": {"campaign.requested_purpose": 1}}
