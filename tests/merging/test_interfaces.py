"""Merging, parting and a change of address over HTTP and at the terminal."""

import asyncio
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.kit.ids import new_id
from registry.opening import opened
from tests.access.test_commands import ann, run
from tests.http.routes import GRANT, bearer, key, logged, person
from tests.persons import make

__all__ = ["ann", "run"]

WHY_ONE = "same customer number in shop and till"


async def grant(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post("/api/v1/consents", json={"subject": {"email": email}, **GRANT})
    assert answer.status_code == 201, answer.text


async def ask(client: httpx.AsyncClient, contact: str) -> str:
    asked = {"subject": {"id": contact}, "purpose": "newsletter", "channel": "email"}
    return str((await client.post("/api/v1/decisions", json=asked)).json()["reason"])


async def test_two_records_are_merged_and_parted_over_http(
    admin: httpx.AsyncClient, workspace: Workspace
) -> None:
    one, other = await person(admin, "a@example.org"), await person(admin, "b@example.org")
    await grant(admin, "b@example.org")
    async with logged(workspace) as entries:
        answer = await admin.post(
            f"/api/v1/contacts/{one}/merge", json={"other": {"email": "b@example.org"}, "reason": WHY_ONE}
        )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["surviving"], told["merged"], told["records"]) == (one, other, [one, other])
    assert [entry["action"] for entry in entries()] == ["contact.merge"]
    assert await ask(admin, one) == await ask(admin, other) == "permit"
    card = (await admin.get(f"/api/v1/contacts/{other}")).json()
    assert card["id"] == one
    assert card["merged"] == [other]
    assert {each["value"] for each in card["identifiers"]} == {"a@example.org", "b@example.org"}
    parted = await admin.post(f"/api/v1/contacts/{other}/unmerge", json={"merge": told["id"]})
    assert parted.status_code == 200, parted.text
    assert parted.json()["surviving"] == [one]
    assert await ask(admin, one) == "consent.missing"
    assert await ask(admin, other) == "permit"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": WHY_ONE}, 400, None),
        ({"other": {"email": "a@example.org"}, "reason": WHY_ONE}, 400, "contact.same"),
        ({"other": {"id": str(new_id())}, "reason": WHY_ONE}, 404, "contact.unknown"),
        ({"other": {"email": "b@example.org"}, "reason": "is jan@example.org"}, 400, "reason.personal_data"),
        ({"other": {"email": "b@example.org"}, "reason": ""}, 400, None),
    ],
)
async def test_what_is_wrong_with_a_merge_is_named(
    admin: httpx.AsyncClient, body: dict[str, Any], status: int, code: str | None
) -> None:
    one = await person(admin, "a@example.org")
    await person(admin, "b@example.org")
    answer = await admin.post(f"/api/v1/contacts/{one}/merge", json=body)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code


async def test_a_repeated_merge_counts_once_and_only_who_answers_for_persons_may(
    workspace: Workspace, client: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    one = await person(admin, "a@example.org")
    await person(admin, "b@example.org")
    body = {"other": {"email": "b@example.org"}, "reason": WHY_ONE}
    for kind in ("engine", "marketer", "write", "auditor"):
        answer = await client.post(
            f"/api/v1/contacts/{one}/merge", json=body, headers=bearer(await key(workspace, kind))
        )
        assert answer.status_code == 403
    headers = {**bearer(await key(workspace, "dpo")), "Idempotency-Key": "merge-1"}
    first = await client.post(f"/api/v1/contacts/{one}/merge", json=body, headers=headers)
    again = await client.post(f"/api/v1/contacts/{one}/merge", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()


async def test_a_shop_changes_an_address_over_http(
    workspace: Workspace, client: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    one = await person(admin, "old@example.org")
    await grant(admin, "old@example.org")
    (held,) = (await admin.get(f"/api/v1/contacts/{one}")).json()["identifiers"]
    path = f"/api/v1/contacts/{one}/identifiers/{held['id']}/change"
    body = {"value": "new@example.org", "source": "shop"}
    async with logged(workspace) as entries:
        answer = await client.post(path, json=body, headers=bearer(await key(workspace, "write")))
    assert answer.status_code == 200, answer.text
    assert answer.json()["ended"] == [held["id"]]
    assert [entry["action"] for entry in entries() if entry["action"].startswith("contact.")] == [
        "contact.change_address"
    ]
    assert await ask(admin, one) == "consent.missing"
    again = await admin.post(path, json=body)
    assert (again.status_code, again.json()["code"]) == (404, "identifier.unknown")
    path = f"/api/v1/contacts/{one}/identifiers/{answer.json()['identifier']}/change"
    wrong = (await admin.post(path, json={"value": "+37120000099", "source": "shop"})).json()
    assert (wrong["status"], wrong["code"], wrong["field"]) == (400, "identifier.invalid", "/value")
    assert "an e-mail address" in wrong["mend"]
    assert "37120000099" not in str(wrong)


def test_at_the_terminal_a_merge_takes_a_reason_and_tells_how_to_undo_it(
    run: Any, ann: str, settings: Any
) -> None:
    async def another() -> str:
        async with opened(settings) as workspace:
            return str(await make(workspace, "ann.other@example.test"))

    other = asyncio.run(another())
    code, told = run("contact", "merge", ann, other)
    assert (code, told["error"]["code"]) == (2, "reason.missing")
    code, told = run("contact", "merge", ann, other, "--reason", WHY_ONE)
    assert code == 0
    assert told["records"] == [ann, other]
    code, listed = run("contact", "merges", other)
    assert [one["id"] for one in listed["merges"]] == [told["id"]]
    assert listed["merges"][0]["reason"] == WHY_ONE
    assert run("contact", "unmerge", told["id"])[1]["merged"] == [other]
    code, problem = run("contact", "unmerge", told["id"])
    assert (code, problem["error"]["code"]) == (1, "merge.undone")


def test_at_the_terminal_an_address_is_changed(run: Any, ann: str) -> None:
    code, told = run(
        "contact", "change-address", ann, "ann.lee@example.test", "ann@example.test", "--by-person"
    )
    assert code == 0
    assert told["contact"] == ann
    code, problem = run("contact", "change-address", ann, "ann.lee@example.test", "x@example.test")
    assert (code, problem["error"]["code"]) == (1, "identifier.unknown")


def test_at_the_terminal_what_is_wrong_is_named_as_it_was_typed(run: Any, ann: str) -> None:
    held, other = "ann.lee@example.test", str(new_id())
    for words, code, field in (
        (("merge", ann, other, "--reason", WHY_ONE), "contact.unknown", "OTHER"),
        (("merge", other, ann, "--reason", WHY_ONE), "contact.unknown", "REF"),
        (("merge", ann, "ann", "--reason", WHY_ONE), "reference.invalid", "OTHER"),
        (("merge", ann, ann, "--reason", WHY_ONE), "contact.same", "OTHER"),
        (("merge", ann, ann, "--reason", f"is {held}"), "reason.personal_data", "--reason"),
        (("change-address", other, held, "ann@example.test"), "contact.unknown", "REF"),
        (("change-address", ann, "x@", "ann@example.test"), "identifier.invalid", "OLD"),
        (("change-address", ann, held, "+37120000099"), "identifier.invalid", "NEW"),
        (("change-address", ann, held, held), "identifier.unchanged", "NEW"),
    ):
        problem = run("contact", *words)[1]["error"]
        assert (problem["code"], problem["field"]) == (code, field)
    assert (
        "the kind may not change"
        in run("contact", "change-address", ann, held, "+37120000099")[1]["error"]["mend"]
    )
