"""What the law asks, driven to the wire: a real campaign into a real SMTP server, and its mailbox read."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.consents.ledger import EntryKind
from registry.dispatch.sink import sink
from registry.kit.errors import Misuse, Refused
from registry.policy.model import Grade, PolicySet
from tests.dispatch.people import PLAIN, TEMPLATE, campaign
from tests.dispatch.test_sending import done, sending
from tests.exchange.files import row
from tests.exchange.loading import load_rows
from tests.persons import CALLER, act, check, make, reason, sale

ANNA = "anna@example.test"


async def sent(workspace: Workspace, folder: Path, purpose: str = "newsletter", **more: Any) -> list[str]:
    """The addresses that a campaign for this purpose reached."""
    template = TEMPLATE if workspace.policies.purposes[purpose].is_marketing else PLAIN
    folder.mkdir(exist_ok=True)
    campaign_id = await campaign(workspace, template, purpose, **more)
    async with sink(folder / "mail") as server, sending(workspace, server):
        await done(workspace, campaign_id)
        return sorted(server.recipients())


async def agreed(workspace: Workspace, address: str = ANNA, **more: Any) -> UUID:
    person = await make(workspace, address, **more)
    await act(workspace, f"email:{address}", EntryKind.GRANTED)
    return person


@pytest.mark.law("LP-01")
async def test_what_is_no_act_leads_to_no_mail(workspace: Workspace, tmp_path: Path) -> None:
    await make(workspace, ANNA)
    for how in ("default", "pre_ticked", "scroll", "silence", "inactivity", None):
        with pytest.raises(Misuse):
            await act(workspace, f"email:{ANNA}", EntryKind.GRANTED, act=how)
    assert await sent(workspace, tmp_path) == []


@pytest.mark.law("LP-04")
@pytest.mark.parametrize("channel", ["sms", "call", "webhook"])
async def test_consent_by_email_is_none_by_another_channel(workspace: Workspace, channel: str) -> None:
    person = await agreed(workspace)
    assert await reason(workspace, person, "newsletter", channel) == "consent.missing"
    with pytest.raises(Refused):
        async with workspace.database.begin(CALLER) as session:
            new = campaigns.NewCampaign("newsletter", channel, TEMPLATE)
            await campaigns.create(session, workspace.ring, workspace.policies, new, "http://127.0.0.1:8400")


@pytest.mark.law("LP-12")
async def test_consent_to_one_entity_is_none_to_another(workspace: Workspace, tmp_path: Path) -> None:
    await agreed(workspace)
    assert await sent(workspace, tmp_path, "club-letter") == []
    assert await reason(workspace, f"email:{ANNA}", "club-letter") == "consent.missing"
    assert await sent(workspace, tmp_path) == [ANNA]


@pytest.mark.law("LP-19")
async def test_withdrawing_one_purpose_changes_no_other(workspace: Workspace, tmp_path: Path) -> None:
    person = await agreed(workspace)
    await sale(workspace, f"email:{ANNA}")
    assert await reason(workspace, person, "order-messages") == "permit"
    others = ("product-updates", "order-messages", "request-answers")
    before = [(await check(workspace, person, name)).reason for name in others]
    assert before == ["permit", "permit", "permit"]
    await act(workspace, f"email:{ANNA}", EntryKind.WITHDRAWN)
    assert await sent(workspace, tmp_path) == []
    assert [(await check(workspace, person, name)).reason for name in others] == before
    for name in others:
        assert ANNA in await sent(workspace, tmp_path / name, name)


@pytest.mark.law("LP-21")
async def test_rows_without_evidence_get_no_mail(workspace: Workspace, tmp_path: Path) -> None:
    await load_rows(
        workspace, tmp_path, subscribed=[row(ANNA, id="C1", OPTIN_TIME="", OPTIN_IP=""), row("b@x.test")]
    )
    assert await sent(workspace, tmp_path) == ["b@x.test"]


@pytest.mark.law("LP-22")
async def test_an_old_yes_that_comes_late_leads_to_no_mail(workspace: Workspace, tmp_path: Path) -> None:
    await agreed(workspace)
    await act(workspace, f"email:{ANNA}", EntryKind.WITHDRAWN)
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA, OPTIN_TIME="2025-05-05 12:00:00")])
    assert await sent(workspace, tmp_path) == []


async def _five(workspace: Workspace, **without: Any) -> UUID:
    person = await make(workspace, ANNA)
    await sale(workspace, f"email:{ANNA}", **without)
    return person


@pytest.mark.law("LP-32")
async def test_all_five_conditions_of_soft_opt_in_carry_a_mail(workspace: Workspace, tmp_path: Path) -> None:
    person = await _five(workspace)
    decision = await check(workspace, person, "product-updates")
    assert (decision.reason, decision.channel_ground) == ("permit", "soft_opt_in")
    assert await sent(workspace, tmp_path, "product-updates") == [ANNA]


@pytest.mark.law("LP-32")
@pytest.mark.parametrize(
    "removed",
    [
        {"collected_in_sale": False},
        {"controller": "polana"},
        {"products": ("insurance",)},
        {"opt_out_offered": False},
    ],
)
async def test_without_one_of_the_conditions_nothing_is_sent(
    workspace: Workspace, tmp_path: Path, removed: dict[str, Any]
) -> None:
    person = await _five(workspace, **removed)
    assert await reason(workspace, person, "product-updates") == "channel.ground_missing"
    assert await sent(workspace, tmp_path, "product-updates") == []


@pytest.mark.law("LP-32")
async def test_without_a_way_out_in_every_message_nothing_is_sent(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes = dict(workspace.policies.purposes)
    purposes["product-updates"] = purposes["product-updates"].model_copy(update={"withdrawal": ("page",)})
    told: PolicySet = workspace.policies.model_copy(update={"purposes": purposes})
    without = replace(workspace, policies=told)
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    person = await _five(without)
    assert await reason(without, person, "product-updates") == "channel.ground_missing"
    assert await sent(without, tmp_path, "product-updates") == []


@pytest.mark.law("LP-32")
async def test_soft_opt_in_does_not_exist_in_poland_or_where_nobody_knows(workspace: Workspace) -> None:
    for country in ("PL", None):
        person = await make(workspace, f"p{country}@example.test", country=country)
        await sale(workspace, person, assignment_id=(await check(workspace, person)).identifier)
        assert await reason(workspace, person, "product-updates") == "channel.ground_missing"


@pytest.mark.law("LP-33")
@pytest.mark.parametrize("kind", [EntryKind.REFUSED, EntryKind.OBJECTED])
async def test_a_refusal_at_collection_outlives_the_next_sale(
    workspace: Workspace, tmp_path: Path, kind: EntryKind
) -> None:
    person = await _five(workspace)
    await act(workspace, person, kind, "product-updates")
    assert await sent(workspace, tmp_path, "product-updates") == []
    await sale(workspace, f"email:{ANNA}")
    assert await reason(workspace, person, "product-updates") == "purpose.objected"
    assert await sent(workspace, tmp_path / "later", "product-updates") == []
    # An import does not lift it either; only the person's own word does.
    held = (await check(workspace, person, "product-updates")).identifier
    await act(
        workspace, person, EntryKind.GRANTED, "product-updates", grade=Grade.ATTESTED, assignment_id=held
    )
    assert await reason(workspace, person, "product-updates") == "purpose.objected"
