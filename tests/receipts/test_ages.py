"""A receipt keeps the rule on the age of consent by which its entry was judged, whatever is told later."""

from typing import Any
from uuid import UUID

import pytest

from tests.law.test_children import BY_KID, agreed, child, grant
from tests.law.test_children import record as recorded
from tests.receipts.test_receipts import receipt, record


async def moved(admin, country: str, birth_date: str) -> None:
    """What is told of the same person later; `child` makes one, and here the person is there."""
    body = {
        "identifiers": [{"kind": "email", "value": BY_KID["email"]}],
        "source": "form",
        "country": country,
        "fields": {"birth_date": birth_date},
    }
    answer = await admin.post("/api/v1/contacts", json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.law("LP-28")
@pytest.mark.parametrize(("country", "birth_date"), [("LV", "2012-01-01"), ("PL", "1990-01-01")])
@pytest.mark.parametrize("authorised", [True, False])
async def test_a_receipt_keeps_the_rule_of_its_entry_whatever_is_told_later(
    workspace, admin, authorised: bool, country: str, birth_date: str
):
    person = await child(admin, "2012-01-01", "PL")
    more: dict[str, Any] = {}
    if authorised:
        more["authority"] = (await recorded(admin, agreed(subject=BY_KID), "grounds"))["id"]
    entry = UUID((await recorded(admin, grant(**more)))["entries"][0]["id"])
    first = record(await receipt(workspace, person, entry))
    assert first["zgoda:ageOfConsent"]["zgoda:age"] == 16
    assert first["zgoda:ageOfConsent"]["dpv:hasLocation"] == "loc:PL"
    await moved(admin, country, birth_date)
    later = record(await receipt(workspace, person, entry))
    assert later["zgoda:ageOfConsent"] == first["zgoda:ageOfConsent"]
    assert later["dpv:hasConsentStatus"] == first["dpv:hasConsentStatus"]
