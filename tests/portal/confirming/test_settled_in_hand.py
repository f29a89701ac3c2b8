"""A letter in hand whose request is settled before it is handed over stays here: the hand-off asks again."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.dispatch import claiming, handoff
from registry.dispatch.claiming import Office
from registry.dispatch.outbox import Outcome
from registry.dispatch.owner import owner
from registry.dispatch.sink import sink
from registry.kit.session import Session
from tests.dispatch import people
from tests.persons import act
from tests.portal.confirming.requesting import ANNA, CLUB
from tests.portal.letters import rows

_NOES = {
    "withdrawn": (EntryKind.WITHDRAWN, CLUB, "email"),
    "objected to all": (EntryKind.OBJECTED, "*", "*"),
    "refused": (EntryKind.REFUSED, CLUB, "email"),
}


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("no", _NOES)
async def test_a_letter_in_hand_is_not_handed_over_after_a_no(
    workspace: Workspace, anna: UUID, tmp_path: Path, no: str
) -> None:
    kind, purpose, channel = _NOES[no]
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)

    async def say_no() -> None:
        await act(workspace, anna, kind, purpose, channel, controller="polana")

    outcome, arrived = await handed_over(workspace, tmp_path, say_no)
    assert arrived == 0
    assert (outcome.state, outcome.reason) == ("failed", "request.settled")
    (message,) = await rows(workspace, "SELECT state, reason FROM message")
    assert tuple(message) == ("failed", "request.settled")


async def test_nothing_is_asked_again_where_no_letter_is_among_them(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []
    ask = Session.ask

    def listening(session: Session, statement: str, *args: Any, **more: Any) -> Any:
        asked.append(statement)
        return ask(session, statement, *args, **more)

    async def listen() -> None:
        monkeypatch.setattr(Session, "ask", listening)

    await people.persons(workspace, ["bob@example.org"])
    await people.campaign(workspace)
    outcome, arrived = await handed_over(workspace, tmp_path, listen)
    assert (outcome.state, arrived) == ("handed_over", 1)
    assert asked
    assert not any("confirmation" in statement for statement in asked)


async def handed_over(
    workspace: Workspace, folder: Path, meanwhile: Callable[[], Awaitable[None]]
) -> tuple[Outcome, int]:
    """Claim the one message that is due, and hand it over after `meanwhile`; how many mails arrived."""
    async with sink(folder / "mail") as relay, owner(workspace.database.urls.app) as ourselves:
        office = Office(workspace.database, workspace.ring, workspace.policies, ourselves.name, {})
        way = handoff.transport("email", relay.url, 1)
        await way.open()
        claimed = await claiming.claim(office, "email", 1)
        assert [one.draft is not None for one in claimed] == [True]
        await meanwhile()
        (outcome,) = await handoff.hand_over(office, way, claimed)
        await way.close()
        return outcome, relay.count()
