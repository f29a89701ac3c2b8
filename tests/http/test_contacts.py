"""Persons over HTTP: recorded once, found by what is in the body, read as far as the role sees."""

import asyncio

import pytest

from tests.http.routes import bearer, key, person

EMAIL = "jan.kowalski@example.test"


async def test_a_person_is_made_and_found_again(admin):
    made = await person(admin, EMAIL, first_name="Jan")
    found = await admin.post(
        "/api/v1/contacts/lookup", json={"kind": "email", "value": " Jan.Kowalski@EXAMPLE.test "}
    )
    assert [one["id"] for one in found.json()["contacts"]] == [made]
    assert EMAIL not in found.text
    again = await person(admin, EMAIL, first_name="Jan")
    assert again == made


async def test_an_unknown_identifier_finds_nobody(admin):
    found = await admin.post(
        "/api/v1/contacts/lookup", json={"kind": "email", "value": "nobody@example.test"}
    )
    assert found.status_code == 200
    assert found.json() == {"contacts": []}


async def test_another_name_at_the_same_address_is_another_person(admin):
    jan = await person(admin, EMAIL, first_name="Jan")
    anna = await person(admin, EMAIL, first_name="Anna")
    assert jan != anna
    found = await admin.post("/api/v1/contacts/lookup", json={"kind": "email", "value": EMAIL})
    assert {one["mode"] for one in found.json()["contacts"]} == {"shared"}


async def test_an_external_id_names_its_person_whatever_the_address(admin):
    async def post(email, **fields):
        identifiers = [{"kind": "external", "value": "C-17"}, {"kind": "email", "value": email}]
        answer = await admin.post(
            "/api/v1/contacts", json={"identifiers": identifiers, "source": "shop", "fields": fields}
        )
        return answer.json()

    first = await post(EMAIL, first_name="Jan")
    second = await post("j.kowalski@example.test", city="Gdańsk")
    assert first["created"]
    assert second == {"id": first["id"], "created": False}
    card = (await admin.get(f"/api/v1/contacts/{first['id']}")).json()
    assert sorted(one["value"] for one in card["identifiers"]) == ["C-17", "j.kowalski@example.test", EMAIL]
    assert card["fields"]["city"]["value"] == "Gdańsk"


async def test_two_writers_make_one_person_of_one_external_id(admin):
    body = {"identifiers": [{"kind": "external", "value": "C-18"}], "source": "shop"}
    answers = await asyncio.gather(*(admin.post("/api/v1/contacts", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201], [a.text for a in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_field_that_is_not_declared_is_refused_by_name(admin):
    body = {
        "identifiers": [{"kind": "email", "value": EMAIL}],
        "source": "form",
        "fields": {"shoe_size": "43"},
    }
    answer = await admin.post("/api/v1/contacts", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "field.undeclared"
    assert "shoe_size" in answer.json()["field"]
    found = await admin.post("/api/v1/contacts/lookup", json={"kind": "email", "value": EMAIL})
    assert found.json() == {"contacts": []}


@pytest.mark.parametrize(
    "value", ["jan", "jan@", "a@b@c.test", "jan@example.test\u0000", "x" * 400 + "@example.test"]
)
async def test_an_address_that_is_none_is_refused_without_being_repeated(admin, value):
    body = {"identifiers": [{"kind": "email", "value": value}], "source": "form"}
    answer = await admin.post("/api/v1/contacts", json=body)
    assert answer.status_code == 400
    assert value not in answer.text
    assert answer.json()["field"].startswith("/identifiers/0")


async def test_a_marketer_sees_outlines_and_the_dpo_sees_values(admin, workspace):
    made = await person(admin, EMAIL, first_name="Jan", city="Gdańsk")
    seen = {}
    for kind in ("marketer", "dpo"):
        headers = bearer(await key(workspace, kind))
        card = (await admin.get(f"/api/v1/contacts/{made}", headers=headers)).json()
        fields = {name: field["value"] for name, field in card["fields"].items()}
        seen[kind] = (card["identifiers"][0]["value"], fields)
    assert seen["marketer"] == ("j•••@•••", {"first_name": "•••", "city": "Gdańsk"})
    assert seen["dpo"] == (EMAIL, {"first_name": "Jan", "city": "Gdańsk"})


async def test_somebody_unknown_is_404(admin):
    answer = await admin.get("/api/v1/contacts/0190d9a0-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert answer.json()["code"] == "contact.unknown"
