"""A "no" by address is about whoever has the address when it is recorded."""

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts import naming
from registry.contacts.naming import Contended
from registry.kit.database import Session
from tests import persons as p

BODY = {
    "subject": {"email": "anna@example.org"},
    "kind": "withdraw",
    "purpose": "newsletter",
    "channel": "email",
    "source": "shop",
}


async def _agreed(workspace: Workspace) -> None:
    anna = await p.make(workspace, "anna@example.org")
    await p.act(workspace, "email:anna@example.org", EntryKind.GRANTED)
    assert await p.reason(workspace, anna) == "permit"


@pytest.mark.law("LP-16")
async def test_whom_a_no_means_is_looked_up_again_until_it_holds(
    workspace: Workspace, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _agreed(workspace)
    again, tries = naming.again, list[Session]()

    def overtaken_twice(session: Session, *named: object) -> None:
        tries.append(session)
        if len(tries) < 3:
            raise Contended
        again(session, *named)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(naming, "again", overtaken_twice)
    answer = await admin.post("/api/v1/consents", json=BODY)
    assert answer.status_code == 201
    assert len(answer.json()["entries"]) == 1
    assert len(tries) == 3
    assert await p.reason(workspace, "email:anna@example.org") == "address.suppressed"


async def test_a_no_that_is_overtaken_every_time_is_refused_and_nothing_is_kept_of_it(
    workspace: Workspace, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _agreed(workspace)

    def overtaken(*_: object) -> None:
        raise Contended

    monkeypatch.setattr(naming, "again", overtaken)
    answer = await admin.post("/api/v1/consents", json=BODY, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 503
    assert answer.json()["code"] == "contact.contended"
    assert await p.reason(workspace, "email:anna@example.org") == "permit"
    monkeypatch.undo()
    # Whoever sends it again is not answered by the refusal.
    answer = await admin.post("/api/v1/consents", json=BODY, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201
    assert await p.reason(workspace, "email:anna@example.org") == "address.suppressed"
