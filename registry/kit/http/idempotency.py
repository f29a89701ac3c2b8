"""`Idempotency-Key`: a POST that is sent twice is done once, and answers the same both times.

The record is written in the transaction of the change, so there is never one without the other. What a client
sends may be anything, so neither the key nor the body is kept: only a MAC of each.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from registry.kit.database import Session
from registry.kit.errors import Misuse, Refused

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class KeyReused(Refused):
    """The same key came with another request."""

    status = 422
    title = "Idempotency key reused"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST under a key: `key` and `request_hash` are MACs under a secret of the installation."""

    principal: str
    key: str
    route: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, and whether it was sent before."""

    status: int
    body: bytes
    replayed: bool = False


def attempt(principal: str, key: str, route: str, body: bytes, secret: bytes) -> Attempt:
    """The attempt that a request makes; Misuse `idempotency_key.invalid` for a key of the wrong shape."""
    if not _KEY.fullmatch(key):
        raise Misuse(
            "idempotency_key.invalid",
            "A key is 1 to 255 visible ASCII characters.",
            field=HEADER,
            mend="use a UUID",
        )

    def mac(label: bytes, text: bytes) -> bytes:
        return hmac.digest(secret, b"idempotency/" + label + b"\0" + text, sha256)

    digest = mac(b"body", route.encode() + b"\0" + body)
    return Attempt(principal, mac(b"key", key.encode()).hex(), route, digest)


async def once(session: Session, tried: Attempt, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of `work`, or the one recorded when this attempt was made before.

    A second attempt that comes while the first is under way waits for it. Raises KeyReused (422) when the key
    came with another route or body. A refused attempt leaves no record: nothing was changed, it may be repeated.
    """
    # Only two of the same principal and key meet here, and the lock goes with the transaction.
    await session.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s || ' ' || %s, 7))", (tried.principal, tried.key)
    )
    found = await session.first(
        "SELECT route, request_hash, status, body FROM idempotency_key WHERE principal = %s AND key = %s",
        (tried.principal, tried.key),
    )
    if found is not None:
        if not hmac.compare_digest(bytes(found.request_hash), tried.request_hash):
            raise KeyReused(
                "idempotency_key.reused",
                "This key was used for another request.",
                field=HEADER,
                mend="use a new key for every new request",
            )
        return Answer(found.status, bytes(found.body), replayed=True)
    done = await work()
    await session.execute(
        "INSERT INTO idempotency_key (principal, key, route, request_hash, status, body, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, now())",
        (tried.principal, tried.key, tried.route, tried.request_hash, done.status, done.body),
    )
    return done
