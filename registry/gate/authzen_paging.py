"""Page tokens of searches: stateless, and good for the very question that they came with and no other."""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from typing import Any

import msgspec

from registry.gate.authzen_schemas import ActionSearch, Page, ResourceSearch, SubjectSearch
from registry.kit.errors import Misuse

# Results on a page of which nobody says how many, and the most that there are on any.
USUAL = 1_000
MOST = 10_000
_ENCODE = msgspec.json.Encoder(order="sorted").encode
_HEAD = struct.Struct(">I16s16s16s")
_DIGEST = 16
_LEFT_OUT = bytes(_DIGEST)

Search = SubjectSearch | ResourceSearch | ActionSearch


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins (after the result `after`, empty for the first) and what its question was."""

    after: str
    limit: int
    question: bytes
    context: bytes
    properties: bytes

    def token(self, secret: bytes, after: str) -> str:
        """The token of the page behind the result `after`."""
        told = _HEAD.pack(self.limit, self.question, self.context, self.properties) + after.encode()
        return base64.urlsafe_b64encode(_mac(secret, b"token", told) + told).rstrip(b"=").decode()


def place(secret: bytes, search: Search) -> Place:
    """The place that a search asks for.

    Misuse (400): `page.invalid` for a token that is none of ours, `page.changed` when the question or a parameter
    is not what it was on the page before. A parameter that is left out is no change.
    """
    page = search.page or Page()
    question = _question(secret, search)
    context, properties = _optional(secret, search.context), _optional(secret, page.properties)
    if not page.token:
        limit = USUAL if page.limit is None else min(page.limit, MOST)
        return Place("", limit, question, context, properties)
    before = _read(secret, page.token)
    same = (
        question == before.question
        and context in (_LEFT_OUT, before.context)
        and properties in (_LEFT_OUT, before.properties)
        and (page.limit is None or min(page.limit, MOST) == before.limit)
    )
    if not same:
        raise Misuse(
            "page.changed",
            "The question is not the one that this token came with.",
            field="page",
            mend="begin again without a token",
        )
    return before


def _read(secret: bytes, token: str) -> Place:
    try:
        told = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        mac, told = told[:_DIGEST], told[_DIGEST:]
        if not hmac.compare_digest(mac, _mac(secret, b"token", told)):
            raise ValueError
        limit, question, context, properties = _HEAD.unpack_from(told)
        return Place(told[_HEAD.size :].decode(), limit, question, context, properties)
    except (ValueError, binascii.Error, struct.error):
        raise Misuse(
            "page.invalid",
            "This is not a token that a page ended with.",
            field="page.token",
            mend="send next_token as it came",
        ) from None


def _question(secret: bytes, search: Search) -> bytes:
    """A digest of the entities, all of which must stay as they were from page to page."""
    match search:
        case SubjectSearch():
            asked: list[Any] = ["subject", search.subject, search.action, search.resource]
        case ResourceSearch():
            asked = ["resource", search.subject, search.action, search.resource]
        case ActionSearch():
            asked = ["action", search.subject, search.resource]
    return _mac(secret, b"question", _ENCODE(asked))


def _optional(secret: bytes, attributes: dict[str, Any] | None) -> bytes:
    return _LEFT_OUT if attributes is None else _mac(secret, b"attributes", _ENCODE(attributes))


def _mac(secret: bytes, label: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, b"authzen/" + label + b"\0" + text, "sha256")[:_DIGEST]
