"""A request that nobody confirmed in time stays unconfirmed, by whatever way the confirmation comes (LP-24)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.kit import clock
from tests.law.test_children import record
from tests.persons import make, reason

ANNA = "anna@example.test"


@pytest.mark.law("LP-24")
@pytest.mark.parametrize(
    ("asked", "done", "told"), [(60, 0, "request.settled"), (60, 58, None), (1, 0, None)]
)
async def test_a_confirmation_over_the_api_after_the_term_is_refused(
    workspace: Workspace, admin: httpx.AsyncClient, asked: int, done: int, told: str | None
) -> None:
    """Days ago that the person asked and confirmed, as they are claimed; both are recorded now."""
    person = await make(workspace, ANNA, country="PL")
    now = clock.now()
    body: dict[str, Any] = {
        "subject": {"email": ANNA},
        "kind": "request",
        "purpose": "club-letter",
        "channel": "email",
        "act": "ticked",
        "notice": {"version": 3, "locale": "en"},
        "source": "form",
        "acted_at": (now - timedelta(days=asked)).isoformat(),
    }
    request = (await record(admin, body))["entries"][0]["id"]
    late = {
        **body,
        "kind": "confirm",
        "refers_to": request,
        "acted_at": (now - timedelta(days=done)).isoformat(),
    }
    answer = await admin.post("/api/v1/consents", json=late)
    assert answer.json().get("code") == told, answer.text
    assert await reason(workspace, person, "club-letter") == ("consent.unconfirmed" if told else "permit")
