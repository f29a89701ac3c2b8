"""The typed Python client of Zgoda's HTTP interface, for engines, shops and forms; sync and async alike.

It stands alone: install `zgoda[client]`, import `registry.client`, and nothing of the server comes along.
"""

from registry.client.answers import (
    Counts,
    Decision,
    Entry,
    FlyingPermit,
    IssuedPermit,
    Notice,
    OpenPermit,
    Page,
    PermitAnswer,
    PermitStanding,
    Recorded,
    RecordedEntry,
    Redeemed,
)
from registry.client.asynchronous import AsyncClient
from registry.client.calls import Question
from registry.client.described import Options
from registry.client.problems import (
    Forbidden,
    KeyReused,
    Misuse,
    NotFound,
    ProblemField,
    Refused,
    ServerFailed,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unexpected,
    Unreachable,
    ZgodaError,
)
from registry.client.subjects import Subject, by_email, by_external, by_id, by_phone
from registry.client.synchronous import Client
from registry.client.trying import Retries

__all__ = [
    "AsyncClient",
    "Client",
    "Counts",
    "Decision",
    "Entry",
    "FlyingPermit",
    "Forbidden",
    "IssuedPermit",
    "KeyReused",
    "Misuse",
    "NotFound",
    "Notice",
    "OpenPermit",
    "Options",
    "Page",
    "PermitAnswer",
    "PermitStanding",
    "ProblemField",
    "Question",
    "Recorded",
    "RecordedEntry",
    "Redeemed",
    "Refused",
    "Retries",
    "ServerFailed",
    "Subject",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Unexpected",
    "Unreachable",
    "ZgodaError",
    "by_email",
    "by_external",
    "by_id",
    "by_phone",
]
