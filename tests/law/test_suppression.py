"""A "no" holds on every way in which data come in: import, API, merge, collection point, change of address (C11)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.standing import service as standing
from tests.exchange.files import PLAIN, plain, row, sheet
from tests.exchange.loading import load, load_rows
from tests.law.requests import YES
from tests.law.test_sending import sent
from tests.persons import CALLER, check, reason, sale

ANNA = "anna@example.test"
OTHER = "anna.other@example.test"
MARKETING = ("newsletter", "product-updates")


async def recorded(admin: httpx.AsyncClient, address: str = ANNA, external: str | None = None) -> UUID:
    """A person made over the API, by address and customer number."""
    identifiers = [{"kind": "email", "value": address}]
    if external:
        identifiers.append({"kind": "external", "value": external})
    body = {"identifiers": identifiers, "source": "shop", "country": "LV", "subscriber": "natural"}
    made = await admin.post("/api/v1/contacts", json=body)
    assert made.status_code in (200, 201), made.text
    return UUID(made.json()["id"])


async def say(admin: httpx.AsyncClient, said: dict[str, Any], address: str = ANNA) -> httpx.Response:
    """What somebody says over the API, by their address."""
    return await admin.post("/api/v1/consents", json={"subject": {"email": address}, **said})


async def submit(admin: httpx.AsyncClient, **ticked: bool) -> None:
    """The form in the footer, sent with these boxes."""
    controls = {"email": ANNA, **ticked, "send": True}
    body = {"version": 1, "locale": "en", "controls": controls}
    answer = await admin.post("/api/v1/collection/newsletter-footer/submissions", json=body)
    assert answer.status_code == 201, answer.text


async def customer(workspace: Workspace, admin: httpx.AsyncClient) -> UUID:
    """Somebody who agreed to the newsletter, bought a tent, and gets letters about tents."""
    person = await recorded(admin, external="C1")
    assert (await say(admin, YES)).status_code == 201
    await sale(workspace, f"email:{ANNA}")
    assert [await reason(workspace, person, name) for name in MARKETING] == ["permit", "permit"]
    return person


async def complain(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    no = {"kind": "object", "purpose": "newsletter", "channel": "email", "source": "feedback-loop"}
    answer = await say(admin, {**no, "cause": "complaint"})
    assert answer.status_code == 201, answer.text


async def complain_in_a_file(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / "abuse.csv"
    path.write_text(
        sheet(
            [{"email": ANNA, "id": "C1", "left": "2026-05-05 10:00:00", "state": "abuse"}], (*PLAIN, "state")
        )
    )
    told = plain(status={"column": "state", "subscribed": ["ok"], "complained": ["abuse"]})
    done = await load(workspace, path, told, "csv")
    assert done.counts.withdrawn == 1


async def object_to_all(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    no = {"kind": "object", "purpose": "*", "channel": "*", "controller": "nordwind", "source": "letter"}
    assert (await say(admin, no)).status_code == 201


async def an_old_yes_in_a_file(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    await load_rows(workspace, folder, subscribed=[row(ANNA, id="C1", OPTIN_TIME="2025-05-05 12:00:00")])


async def an_undated_yes_in_a_file(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    await load_rows(workspace, folder, subscribed=[row(ANNA, id="C1", OPTIN_TIME="")])


async def the_same_person_again(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    await recorded(admin, external="C1")
    await recorded(admin)


async def a_second_record(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    other = await recorded(admin, external="C2")
    await sale(workspace, other, assignment_id=(await check(workspace, other)).identifier)


async def a_merge(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    other = await recorded(admin, OTHER, external="C2")
    yes = {**YES, "acted_at": "2026-01-01T00:00:00Z"}
    assert (await say(admin, yes, OTHER)).status_code == 201
    body = {"other": {"id": str(other)}, "reason": "same customer number"}
    (person,) = await holders(admin, ANNA)
    answer = await admin.post(f"/api/v1/contacts/{person}/merge", json=body)
    assert answer.status_code == 201, answer.text


async def a_form_with_the_box_left_alone(
    admin: httpx.AsyncClient, workspace: Workspace, folder: Path
) -> None:
    await submit(admin)


async def another_address(admin: httpx.AsyncClient, workspace: Workspace, folder: Path) -> None:
    (person,) = await holders(admin, ANNA)
    card = (await admin.get(f"/api/v1/contacts/{person}")).json()
    held = next(one["id"] for one in card["identifiers"] if one["kind"] == "email")
    answer = await admin.post(
        f"/api/v1/contacts/{person}/identifiers/{held}/change", json={"value": OTHER, "source": "form"}
    )
    assert answer.status_code == 200, answer.text


async def holders(admin: httpx.AsyncClient, address: str) -> list[str]:
    answer = await admin.post("/api/v1/contacts/lookup", json={"kind": "email", "value": address})
    return [one["id"] for one in answer.json()["contacts"]]


Way = Callable[[httpx.AsyncClient, Workspace, Path], Awaitable[None]]
WAYS: tuple[Way, ...] = (
    an_old_yes_in_a_file,
    an_undated_yes_in_a_file,
    the_same_person_again,
    a_second_record,
    a_merge,
    a_form_with_the_box_left_alone,
    another_address,
)


@pytest.mark.law("LP-22")
@pytest.mark.law("LP-23")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("no", [complain, complain_in_a_file, object_to_all], ids=lambda no: no.__name__)
async def test_a_complaint_or_objection_stops_all_marketing_whatever_comes_in_and_nothing_else(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path, no: Way, way: Way
) -> None:
    person = await customer(workspace, admin)
    await no(admin, workspace, tmp_path / "no")
    await way(admin, workspace, tmp_path)
    people = {str(person), *await holders(admin, ANNA), *await holders(admin, OTHER)}
    for one in people:
        for name in MARKETING:
            assert await reason(workspace, one, name) in (
                "purpose.objected",
                "address.suppressed",
                "consent.withdrawn",
            ), (name, one)
    # Messages about the order go on, where the person bought.
    assert await reason(workspace, person, "order-messages") == "permit"


@pytest.mark.law("LP-23")
async def test_who_complains_and_then_agrees_again_at_first_hand_gets_that_and_nothing_else(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    person = await customer(workspace, admin)
    await complain(admin, workspace, tmp_path)
    await submit(admin, newsletter=True)
    assert await reason(workspace, person) == "permit"
    assert await reason(workspace, person, "product-updates") == "address.suppressed"
    assert await sent(workspace, tmp_path / "mail", "product-updates") == []


async def test_a_dead_address_stops_every_class_until_it_is_corrected(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    person = await customer(workspace, admin)
    await load_rows(workspace, tmp_path, cleaned=[row(ANNA, id="C1")])
    for name in (*MARKETING, "order-messages", "request-answers"):
        assert await reason(workspace, person, name) == "address.dead", name
    for way in (an_old_yes_in_a_file, the_same_person_again):
        await way(admin, workspace, tmp_path)
        assert await reason(workspace, person) == "address.dead"
    await another_address(admin, workspace, tmp_path)
    assert await reason(workspace, person, "order-messages") == "permit"
    # Consent was for the address that is gone; the new one is asked for anew.
    assert await reason(workspace, person) == "consent.missing"


async def test_a_dead_address_is_dead_for_whoever_gets_it_later(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    await customer(workspace, admin)
    async with workspace.database.begin(CALLER) as session:
        ids = [row.id for row in await session.all("SELECT id FROM address")]
        await standing.bury_addresses(session, ids)
    other = await recorded(admin, external="C9")
    assert await reason(workspace, other, "request-answers") == "address.dead"


async def test_a_complaint_is_no_grant(admin: httpx.AsyncClient) -> None:
    await recorded(admin)
    answer = await say(admin, {**YES, "cause": "complaint"})
    assert (answer.status_code, answer.json()["code"]) == (400, "cause.misplaced")
