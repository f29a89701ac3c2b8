"""What both clients do alike around a request: its headers, and what its answer or its failure means."""

from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from typing import TypedDict
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from registry.client.calls import Call, T
from registry.client.problems import Unreachable, problem
from registry.client.trying import AGAIN, Retries

EVERYTHING = "*"


class Told(TypedDict, total=False):
    """What can be said of an act beside whose it was and of what; times need an offset.

    `notice` is the version and language of the text that was shown. `idempotency_key` is for callers that keep it to
    repeat a call themselves, days later too; left out, every call gets one of its own.
    """

    source: str
    controller: str | None
    identifier: UUID | None
    act: str | None
    acted_at: datetime | None
    notice: tuple[int, str] | None
    refers_to: UUID | None
    evidence: Mapping[str, str] | None
    idempotency_key: str | None


def base(url: str) -> str:
    """The address of a server; ValueError for anything but http and https."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address of a server begins with https:// or http://")
    return url


def standing(key: str) -> dict[str, str]:
    """The headers of every request."""
    try:
        version = metadata.version("zgoda")
    except metadata.PackageNotFoundError:
        version = "0"
    return {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, application/problem+json",
        "User-Agent": f"zgoda-client/{version}",
    }


def why(purpose: str | None, reason: str | None) -> dict[str, str]:
    """The headers that say why personal data are read; ValueError for what no header can carry."""
    told = {"Zgoda-Purpose": purpose, "Zgoda-Reason": reason}
    for name, value in told.items():
        if value is not None and not (value.isascii() and value.isprintable() and value.strip()):
            raise ValueError(f"{name} is one line of ASCII text")
    return {name: value for name, value in told.items() if value is not None}


def headers(call: Call[T], why: Mapping[str, str]) -> dict[str, str]:
    """The headers of one call, the same at each attempt."""
    told = dict(why)
    if call.body is not None:
        told["Content-Type"] = "application/json"
    if call.writes:
        told["Idempotency-Key"] = call.key or str(uuid4())
    return told


def pause(retries: Retries, attempt: int, came: httpx.Response | httpx.TransportError) -> float | None:
    """Seconds to wait before the next attempt; None where what came, or that nothing did, is the last word."""
    if isinstance(came, httpx.TransportError):
        return retries.pause(attempt)
    return retries.pause(attempt, came.headers) if came.status_code in AGAIN else None


def read(call: Call[T], answer: httpx.Response | httpx.TransportError) -> T:
    """The value of an answer; raises the problem that it tells of, Unreachable where none came."""
    if isinstance(answer, httpx.TransportError):
        raise unreachable(answer)
    if not answer.is_success:
        raise problem(answer.status_code, answer.headers, answer.content)
    return call.read(answer.status_code, answer.content)


def unreachable(error: httpx.TransportError) -> Unreachable:
    """No answer came. The error's own text may hold an address of the call, so only its kind is told."""
    waited = isinstance(error, httpx.TimeoutException)
    return Unreachable(
        "server.silent" if waited else "server.unreachable",
        f"No answer came in time ({type(error).__name__})."
        if waited
        else f"There is no connection ({type(error).__name__}).",
        mend="repeat it with the same idempotency_key: it counts once",
    )
