"""A link to the preference centre: whose choices it opens, for how long, and what it does when it is old."""

import time
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch.tokens import OneClick, Preferences, open_preferences, seal, seal_preferences
from registry.kit.texts import gettext_for
from registry.subject_requests import erasure
from tests.persons import CALLER, act, make, reason
from tests.portal.choices.asking import ANNA, NO, forms, give, link, take
from tests.portal.letters import counts, delivered, ids, path_in, rows, text_of


@pytest.mark.parametrize("days", [31, None, -1])
async def test_an_old_link_takes_back_and_shows_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, days: float | None
) -> None:
    path = await link(workspace, days=days)
    page = (await client.get(path)).text
    assert "•••" not in page
    assert "Yes, since" not in page
    assert {f["action"] for f in forms(page)} == {"take", "take-all", "link"}
    before = await counts(workspace)
    for form in (give(workspace, "newsletter"), {"action": "access"}):
        assert "takes a fresh link" in (await client.post(path, data=form)).text
    assert await counts(workspace) == before
    answer = await client.post(path, data=take("newsletter"))
    assert "holds from now on" in answer.text
    assert await reason(workspace, f"email:{ANNA}") in NO


async def test_an_old_link_has_a_fresh_one_mailed_to_its_own_address(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    answer = await client.post(await link(workspace, days=100), data={"action": "link", "lang": "ru"})
    assert (
        gettext_for("ru")("An e-mail with a fresh link is on its way, unless one was sent there minutes ago.")
        in answer.text
    )
    (mail,) = await delivered(workspace, tmp_path)
    assert mail["To"].addresses[0].addr_spec == ANNA
    assert gettext_for("ru")("Hello,") in text_of(mail)
    fresh = path_in(mail)
    token = open_preferences(workspace.ring.token, fresh.rpartition("/")[2])
    assert token is not None
    assert abs(token.issued_at - time.time()) < 60
    assert "Yes, since" in (await client.get(fresh)).text


async def test_a_link_to_an_address_that_is_somebody_else_s_by_now_shows_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE assignment SET valid_to = clock_timestamp()")
    page = (await client.get(path)).text
    assert "Yes, since" not in page
    await client.post(path, data=take("newsletter"))
    (entry,) = await rows(workspace, "SELECT kind FROM consent_entry ORDER BY seq DESC LIMIT 1")
    assert EntryKind(entry.kind) is EntryKind.WITHDRAWN
    assert len(await rows(workspace, "SELECT 1 FROM address_refusal")) == 1


async def test_a_no_binds_the_shared_address_as_one_click_does(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    for name in ("one", "other"):
        made = await make(workspace, "home@example.org", external=name)
        await act(workspace, made, EntryKind.GRANTED, assignment_id=await assignment(workspace, made))
    one = (await rows(workspace, "SELECT contact_id, id FROM assignment WHERE kind = 1 ORDER BY id"))[0]
    number = workspace.policies.purpose_ids["newsletter"]
    token = Preferences(one.contact_id, one.id, number, int(time.time()))
    await client.post(f"/p/prefs/{seal_preferences(workspace.ring.token, token)}", data=take("newsletter"))
    for name in ("one", "other"):
        assert await reason(workspace, f"external:{name}") in NO


async def assignment(workspace: Workspace, contact_id: UUID) -> UUID:
    (found,) = await rows(
        workspace, "SELECT id FROM assignment WHERE contact_id = %s AND kind = 1", (contact_id,)
    )
    return found.id


async def test_a_yes_is_for_the_mailbox_that_the_link_was_sent_to(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, ANNA, "second@example.org")
    _, second = await ids(workspace, "second@example.org")
    path = await link(workspace)
    page = (await client.get(path)).text
    assert str(second) not in page
    for other in (str(second), "11111111-1111-1111-1111-111111111111"):
        told = await client.post(path, data=give(workspace, "newsletter", identifier=other))
        assert "Nothing was changed" in told.text
    assert (await client.post(path, data=give(workspace, "newsletter", identifier="x"))).status_code == 400
    assert await rows(workspace, "SELECT assignment_id FROM consent_entry") == []
    await client.post(path, data=give(workspace, "newsletter"))
    (entry,) = await rows(workspace, "SELECT assignment_id FROM consent_entry")
    assert entry.assignment_id == (await ids(workspace, ANNA))[1]


async def test_an_erased_person_s_link_answers_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(anna))
    )
    before = await counts(workspace)
    for form in (None, take("newsletter"), {"action": "take-all"}, give(workspace, "newsletter"),
                 {"action": "access"}, {"action": "link"}):  # fmt: skip
        answer = await (client.get(path) if form is None else client.post(path, data=form))
        assert answer.status_code == 200
        assert "No data belong to this link any more" in answer.text
    assert await counts(workspace) == before


@pytest.mark.parametrize("token", ["A" * 72, "short", "z" * 500])
async def test_a_cut_or_forged_link_is_told_so(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, token: str
) -> None:
    before = await counts(workspace)
    for answer in (
        await client.get(f"/p/prefs/{token}"),
        await client.post(f"/p/prefs/{token}", data={"action": "take-all"}),
    ):
        assert answer.status_code == 404
    assert await counts(workspace) == before


async def test_no_other_token_opens_it(workspace: Workspace, client: httpx.AsyncClient, anna: UUID) -> None:
    contact_id, assignment_id = await ids(workspace, ANNA)
    one_click = seal(
        workspace.ring.token,
        OneClick(contact_id, assignment_id, workspace.policies.purpose_ids["newsletter"]),
    )
    assert (await client.get(f"/p/prefs/{one_click}")).status_code == 404
    prefs = (await link(workspace)).rpartition("/")[2]
    assert (await client.get(f"/p/c/{prefs}")).status_code == 404
    assert (await client.get(f"/p/u/{prefs}")).status_code == 404


async def test_a_no_by_the_link_of_one_record_binds_all_that_were_merged(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    from tests.merging.people import merge

    for address in (ANNA, "second@example.org"):
        await make(workspace, address)
        await act(workspace, f"email:{address}", EntryKind.GRANTED, "newsletter")
    first, second = [(await ids(workspace, address))[0] for address in (ANNA, "second@example.org")]
    paths = [await link(workspace, address) for address in (ANNA, "second@example.org")]
    await merge(workspace, first, second)
    for path in paths:
        assert "Yes, since" in (await client.get(path)).text
    await client.post(paths[1], data=take("newsletter"))
    for path in paths:
        page = (await client.get(path)).text
        assert "Yes, since" not in page
    assert await reason(workspace, str(first)) in NO
