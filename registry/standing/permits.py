"""Permits: leave for an engine outside to hand over one message, and what a "no" does to those that are open.

A permit's person is locked by whoever issues, redeems or voids it, gate row first; so at the instant of a "no" every
permit is either redeemed before it, and told as in flight for as long as IN_FLIGHT, or void.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from registry.access import credentials
from registry.kit.database import Session
from registry.kit.session import Asked
from registry.standing import merged

KIND = "permit"
# What is redeemed may be on its way for so long; a taking-away names it. Engines hand over within seconds.
IN_FLIGHT = timedelta(minutes=5)

ANY = "*"
# Whatever the purpose, channel or controller.
ALL = ""

_FORM = re.compile(r"zgoda_permit_[0-9A-Za-z]{36}", re.ASCII)
_CHECKSUM_LENGTH = 6


class PermitState(IntEnum):
    """What became of a permit; the numbers are stored. One that is over by its time stays OPEN on record."""

    OPEN = 0
    REDEEMED = 1
    REFUSED = 2
    VOIDED = 3


class OpenPermit(Struct, frozen=True):
    """A permit that was open when a "no" came, and is void since."""

    id: UUID
    purpose: str
    channel: str
    expires_at: datetime


class FlyingPermit(Struct, frozen=True):
    """A permit that was redeemed shortly before a "no": what it was for may be out already, or on its way."""

    id: UUID
    purpose: str
    channel: str
    redeemed_at: datetime


class Permit(Struct, frozen=True):
    """A permit as it stands on record."""

    contact_id: UUID
    id: UUID
    assignment_id: UUID | None
    address_id: UUID | None
    purpose: str
    channel: str
    content_hash: bytes
    issued_at: datetime
    expires_at: datetime
    state: PermitState
    ended_at: datetime | None
    expired: bool


class No(NamedTuple):
    """What is taken away, from a person (`contact_id`) or at an address, whoever has it (`address_id`).

    Purpose `*` is all marketing; channel `*`, and `ALL` in any of the three words, is whatever there is.
    """

    contact_id: UUID | None = None
    address_id: UUID | None = None
    assignment_id: UUID | None = None
    controller: str = ALL
    purpose: str = ALL
    channel: str = ANY


class NewPermit(NamedTuple):
    """A permit to be written. `seconds` is how long it may be redeemed."""

    contact_id: UUID
    id: UUID
    token: str
    assignment_id: UUID | None
    address_id: UUID | None
    controller: str
    purpose: str
    class_: str
    channel: str
    content_hash: bytes
    decision_id: UUID
    seconds: float


def new_token() -> str:
    """A token: `zgoda_permit_`, 178 random bits, a checksum. Only its hash is kept."""
    return credentials.issue(KIND)


def digest(token: str) -> bytes | None:
    """What is kept of a token, SHA-256; None for what was never a token of ours."""
    if not _FORM.fullmatch(token):
        return None
    given, right = token[-_CHECKSUM_LENGTH:], credentials.checksum(token[:-_CHECKSUM_LENGTH])
    return sha256(token.encode("ascii")).digest() if secrets.compare_digest(given, right) else None


async def write(session: Session, new: NewPermit) -> datetime:
    """Keep a new permit; returns when it expires, by the database's clock. The person is locked by the caller."""
    expires_at: datetime = await session.value(
        "INSERT INTO permit (contact_id, id, token_hash, assignment_id, address_id, controller, purpose, class,"
        " channel, content_hash, decision_id, actor, issued_at, expires_at)"
        " SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, c.at, c.at + %s"
        " FROM (SELECT clock_timestamp() AS at OFFSET 0) AS c RETURNING expires_at",
        (
            new.contact_id,
            new.id,
            digest(new.token),
            new.assignment_id,
            new.address_id,
            new.controller,
            new.purpose,
            new.class_,
            new.channel,
            new.content_hash,
            new.decision_id,
            session.caller.actor,
            timedelta(seconds=new.seconds),
        ),
    )
    return expires_at


_PERMIT = (
    "SELECT contact_id, id, assignment_id, address_id, purpose, channel, content_hash, issued_at, expires_at, state,"
    " ended_at, expires_at <= clock_timestamp() AS expired FROM permit"
)


async def find(session: Session, token: str) -> Permit | None:
    """The permit of a token, or None: unknown, mistyped, or of a person who was erased."""
    hashed = digest(token)
    if hashed is None:
        return None
    return _permit(await session.first(f"{_PERMIT} WHERE token_hash = %s", (hashed,)))


async def find_by_id(session: Session, permit_id: UUID) -> Permit | None:
    """The permit of an id, or None."""
    return _permit(await session.first(f"{_PERMIT} WHERE id = %s", (permit_id,)))


async def read(session: Session, permit: Permit) -> Permit | None:
    """The permit as it stands now, its row locked. The person's rows are locked first, by the caller."""
    return _permit(
        await session.first(
            f"{_PERMIT} WHERE contact_id = %s AND id = %s FOR NO KEY UPDATE", (permit.contact_id, permit.id)
        )
    )


async def open_ones(session: Session, contact_ids: Sequence[UUID] | None, limit: int) -> list[Permit]:
    """Open permits, the oldest first: of these persons, or of everybody."""
    rows = await session.all(
        f"{_PERMIT} WHERE state = 0 AND expires_at > clock_timestamp()"
        " AND (%(people)s::uuid[] IS NULL OR contact_id = ANY(%(people)s::uuid[])) ORDER BY id LIMIT %(limit)s",
        {"people": None if contact_ids is None else list(contact_ids), "limit": limit},
    )
    return [permit for row in rows if (permit := _permit(row)) is not None]


def _permit(row: Any | None) -> Permit | None:
    if row is None:
        return None
    told = {**row._asdict(), "content_hash": bytes(row.content_hash), "state": PermitState(row.state)}
    return Permit(**told)


async def end(
    session: Session, permit: Permit, state: PermitState, because: str, redemption_id: UUID | None = None
) -> datetime | None:
    """End an open permit; returns when, or None if it was not open any more.

    A permit that is over by its time can be refused or voided, and never redeemed.
    """
    ended_at: datetime | None = await session.value(
        "UPDATE permit SET state = %(state)s, ended_at = clock_timestamp(), ended_by = %(because)s,"
        " redemption_id = %(redemption)s WHERE contact_id = %(contact)s AND id = %(id)s AND state = 0"
        " AND (%(state)s <> 1 OR expires_at > clock_timestamp()) RETURNING ended_at",
        {
            "state": int(state),
            "because": because,
            "redemption": redemption_id,
            "contact": permit.contact_id,
            "id": permit.id,
        },
    )
    return ended_at


_COVERED = (
    "(n.controller IN ('', p.controller))"
    " AND (n.purpose IN ('', p.purpose) OR n.purpose = '*' AND p.class = 'marketing')"
    " AND n.channel IN ('', '*', p.channel)"
    " AND (n.assignment_id IS NULL OR n.assignment_id = p.assignment_id)"
    " AND (%(classes)s::text[] IS NULL OR p.class = ANY(%(classes)s::text[]))"
    " AND (p.state = 0 AND p.expires_at > clock_timestamp()"
    " OR p.state = 1 AND p.ended_at > clock_timestamp() - %(in_flight)s)"
)
_OF = "p.contact_id, p.id, p.purpose, p.channel, p.expires_at, p.state, p.ended_at"
# Arrays as subqueries: the planner would count their elements, and plan anew for each call.
_VOID = f"""
WITH n AS MATERIALIZED (
    SELECT * FROM unnest((SELECT %(contacts)s::uuid[]), (SELECT %(addresses)s::uuid[]),
        (SELECT %(assignments)s::uuid[]), (SELECT %(controllers)s::text[]), (SELECT %(purposes)s::text[]),
        (SELECT %(channels)s::text[]))
        AS n(contact_id, address_id, assignment_id, controller, purpose, channel)
), covered AS MATERIALIZED (
    SELECT {_OF} FROM n JOIN permit p ON p.contact_id = n.contact_id WHERE {_COVERED}
    UNION
    SELECT {_OF} FROM n JOIN permit p ON p.address_id = n.address_id AND p.state < 2 WHERE {_COVERED}
), voided AS (
    UPDATE permit p SET state = 3, ended_at = clock_timestamp(), ended_by = %(because)s
    FROM covered c WHERE p.contact_id = c.contact_id AND p.id = c.id AND p.state = 0 RETURNING p.id
)
SELECT c.id, c.purpose, c.channel, c.expires_at, c.state, c.ended_at FROM covered c
LEFT JOIN voided v ON v.id = c.id WHERE v.id IS NOT NULL OR c.state = 1 ORDER BY c.id"""


def ask_void(
    session: Session, noes: Iterable[No], because: str, classes: Collection[str] | None = None
) -> Asked | None:
    """`void` with the next statement; `session.voided` and `in_flight` are filled in when its answer is there."""
    told = [
        no if no.contact_id is None else no._replace(contact_id=record)
        for no in noes
        if no.contact_id not in session.fresh
        for record in ((None,) if no.contact_id is None else merged.locked_records(session, no.contact_id))
    ]
    if not told:
        return None

    def keep(rows: Sequence[Any]) -> None:
        known = {one.id for one in session.in_flight}
        session.in_flight += [
            FlyingPermit(row.id, row.purpose, row.channel, row.ended_at)
            for row in rows
            if row.state == PermitState.REDEEMED and row.id not in known
        ]
        session.voided += _voided(rows)

    params = {
        "contacts": [no.contact_id for no in told],
        "addresses": [no.address_id for no in told],
        "assignments": [no.assignment_id for no in told],
        "controllers": [no.controller for no in told],
        "purposes": [no.purpose for no in told],
        "channels": [no.channel for no in told],
        "classes": None if classes is None else sorted(classes),
    }
    return session.ask(_VOID, {**params, "because": because, "in_flight": IN_FLIGHT}, check=keep)


async def void(
    session: Session, noes: Iterable[No], because: str, classes: Collection[str] | None = None
) -> list[OpenPermit]:
    """Void the open permits that these takings-away cover; returns them.

    What a person says holds for all records of theirs. The gate rows of the persons, and the address rows, are locked
    by the caller, so the list is what was open at that instant. It is also kept in `session.voided`, and what was
    redeemed shortly before in `session.in_flight`, for the answer to whoever said no. `because` is the audit tag of
    the act; `classes` narrows to these classes of purpose (None: all).
    """
    asked = ask_void(session, noes, because, classes)
    return [] if asked is None else _voided(await asked.all())


def _voided(rows: Sequence[Any]) -> list[OpenPermit]:
    return [OpenPermit(*row[:4]) for row in rows if row.state == PermitState.OPEN]


def told(session: Session) -> dict[str, int]:
    """What the log says of the permits that this transaction voided: how many, and nothing if none."""
    return {"permits_voided": len(session.voided)} if session.voided else {}
