"""What becomes of a message, by the gate's answer and the channel's: the whole table. Pure."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from registry.dispatch import handoff, outbox
from registry.dispatch.channels.contract import Handed, Parcel, Rejected, Result, Unknown, Unreached
from registry.dispatch.claiming import Claimed
from registry.dispatch.composing import Draft
from registry.gate.model import Decision, Outcome
from registry.kit.ids import NIL

AT = datetime(2026, 5, 4, tzinfo=UTC)
DRAFT = Draft("<1@x>", "from@x.test", "to@x.test", b"mail", b"h" * 32, b"{}")
ONE = Claimed(UUID(int=1), UUID(int=2), "newsletter", "email", "marketing", UUID(int=3), None, 1, None, DRAFT)
PERMIT = Decision(
    contact_id=ONE.contact_id, purpose="newsletter", channel="email", outcome=Outcome.PERMIT, reason="permit",
    basis=None, channel_ground=None, identifier=None, evidence=None, policy=None, as_of=AT, not_before=None, id=NIL,
)  # fmt: skip
NO = structs.replace(PERMIT, outcome=Outcome.DENY, reason="consent.withdrawn")
LATER = structs.replace(
    PERMIT, outcome=Outcome.DEFER, reason="schedule.quiet_hours", not_before=AT + timedelta(hours=8)
)


@pytest.mark.parametrize(
    ("class_", "decision", "result", "state", "reason", "wait"),
    [
        ("marketing", PERMIT, Handed("2.0.0 OK"), "handed_over", None, None),
        ("marketing", NO, None, "blocked", "consent.withdrawn", None),
        ("marketing", LATER, None, "queued", "schedule.quiet_hours", 8 * 3600),
        ("marketing", PERMIT, None, "failed", "content.missing", None),
        ("marketing", PERMIT, Unreached("smtp.connection_lost"), "queued", "smtp.connection_lost", 1),
        ("marketing", PERMIT, Unknown("smtp.no_reply"), "unknown", "smtp.no_reply", None),
        ("service", PERMIT, Unknown("smtp.no_reply"), "unknown", "smtp.no_reply", None),
        ("requested", PERMIT, Unknown("smtp.no_reply"), "unknown", "smtp.no_reply", None),
        ("legal_notice", PERMIT, Unknown("smtp.no_reply"), "queued", "smtp.no_reply", 2),
        ("marketing", PERMIT, Rejected(permanent=True, code=550), "failed", "smtp.550", None),
        ("marketing", PERMIT, Rejected(permanent=False, code=451), "queued", "smtp.451", 2),
    ],
)
def test_the_table(
    class_: str, decision: Decision, result: Result | None, state: str, reason: str | None, wait: float | None
) -> None:
    got = handoff.outcome(replace(ONE, class_=class_), decision, result, AT)
    assert (got.state, got.reason) == (state, reason)
    assert got.due_at == (None if wait is None else AT + timedelta(seconds=wait))


def test_a_passing_refusal_is_not_tried_for_ever() -> None:
    tired = replace(ONE, attempt=handoff.ATTEMPTS)
    assert handoff.outcome(tired, PERMIT, Rejected(permanent=False, code=451), AT).state == outbox.FAILED


class _Never:
    width = 1

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def ready(self) -> int:
        return 1

    async def hand(self, parcel: Parcel) -> Result:
        raise AssertionError("it was handed over")


async def test_nothing_begins_when_the_rows_are_held_for_long() -> None:
    since = time.monotonic() - handoff.BEGIN_SECONDS
    assert await handoff._hand(_Never(), ONE, PERMIT, since) == Unreached("handoff.late")


async def test_what_is_not_permitted_never_comes_near_the_channel() -> None:
    for decision in (NO, LATER):
        assert await handoff._hand(_Never(), ONE, decision, time.monotonic()) is None
