"""The button of a confirmation: what counts as pressing it, once, and never against a no."""

import asyncio
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch.tokens import Confirmation, open_confirmation, seal_confirmation
from registry.subject_requests import erasure
from tests.persons import CALLER, act, make
from tests.portal.confirming.requesting import ANNA, CLUB, YES, asked, of_club
from tests.portal.letters import counts, rows


@pytest.mark.law("LP-24")
async def test_a_request_is_mailed_and_the_button_confirms_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    assert await of_club(workspace) == "consent.unconfirmed"
    page = await client.get(path)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    done = await client.post(path, data=YES, headers={"User-Agent": "Firefox"})
    assert "Confirmed" in done.text
    assert await of_club(workspace) == "permit"
    requested, confirmed = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq")
    assert EntryKind(confirmed.kind) is EntryKind.CONFIRMED
    assert confirmed.refers_to == requested.id
    assert (confirmed.act, confirmed.source, confirmed.actor) == ("clicked", "confirmation", "person")
    assert (confirmed.notice_version, confirmed.notice_locale) == (
        requested.notice_version,
        requested.notice_locale,
    )
    assert confirmed.evidence is not None
    assert await rows(workspace, "SELECT 1 FROM confirmation") == []
    (address,) = await rows(workspace, "SELECT verified_at FROM assignment")
    assert address.verified_at is not None


@pytest.mark.law("LP-15")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_scanner_that_fetches_the_link_confirms_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, method: str
) -> None:
    path, before = await asked(workspace, tmp_path), await counts(workspace)
    for _ in range(3):
        assert (await client.request(method, path, params=YES)).status_code in (200, 204)
    assert await counts(workspace) == before
    assert await of_club(workspace) == "consent.unconfirmed"


@pytest.mark.parametrize("body", [{}, {"confirm": "no"}, {"List-Unsubscribe": "One-Click"}])
async def test_a_body_without_the_yes_confirms_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, body: dict[str, str]
) -> None:
    path = await asked(workspace, tmp_path)
    assert (await client.post(path, data=body)).status_code == 400
    assert await of_club(workspace) == "consent.unconfirmed"


async def test_the_second_press_says_that_it_is_done_and_writes_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    before = await counts(workspace)
    again = await client.post(path, data=YES)
    assert again.status_code == 200
    assert "confirmed this before" in again.text
    assert await counts(workspace) == before


async def test_many_presses_at_once_make_one_entry(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    answers = await asyncio.gather(*(client.post(path, data=YES) for _ in range(8)))
    assert sorted("confirmed this before" in answer.text for answer in answers) == [False, *[True] * 7]
    kinds = [row.kind for row in await rows(workspace, "SELECT kind FROM consent_entry ORDER BY seq")]
    assert kinds == [int(EntryKind.REQUESTED), int(EntryKind.CONFIRMED)]


@pytest.mark.parametrize("turn", range(6))
async def test_a_no_at_the_same_moment_wins(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, turn: int
) -> None:
    path = await asked(workspace, tmp_path)
    both = [client.post(path, data=YES), act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)]
    await asyncio.gather(*(both if turn % 2 else both[::-1]))
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")


async def test_a_link_never_gives_back_what_was_withdrawn_after_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    told = (await client.post(path, data=YES)).text
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")
    assert "Your no stands" in told
    assert "You get" not in told


async def test_a_no_between_request_and_button_stands(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.OBJECTED, "*", "*", controller="polana")
    before = await counts(workspace)
    answer = await client.post(path, data=YES)
    assert "Your no stands" in answer.text
    assert await counts(workspace) == before
    assert await of_club(workspace) in ("purpose.objected", "address.suppressed")


async def test_a_link_is_good_for_its_own_request_alone(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    token = open_confirmation(workspace.ring.token, path.rpartition("/")[2])
    assert token is not None
    before = await counts(workspace)
    other = await make(workspace, "ewa@example.org", country="PL")
    before = await counts(workspace)
    for forged in (
        Confirmation(other, token.entry_id, token.purpose_id, token.requested_at),
        Confirmation(token.contact_id, other, token.purpose_id, token.requested_at),
        Confirmation(
            token.contact_id, token.entry_id, workspace.policies.purpose_ids["newsletter"], token.requested_at
        ),
        Confirmation(token.contact_id, token.entry_id, 65_000, token.requested_at),
    ):
        answer = await client.post(f"/p/c/{seal_confirmation(workspace.ring.token, forged)}", data=YES)
        assert answer.status_code == 200
        assert "not valid any more" in answer.text
    for nonsense in (path[:-1], path[:-3] + "AAA", "/p/c/" + "A" * 72, "/p/c/x"):
        assert (await client.post(nonsense, data=YES)).status_code == 404
        assert (await client.get(nonsense)).status_code == 404
    assert await counts(workspace) == before


async def test_an_erased_person_s_link_is_answered_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(anna))
    )
    before = await counts(workspace)
    answer = await client.post(path, data=YES)
    assert answer.status_code == 200
    assert "not valid any more" in answer.text
    assert await counts(workspace) == before
