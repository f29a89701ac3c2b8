"""Every error leaves as application/problem+json (RFC 9457), with a stable code and without personal data."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from registry.kit.errors import Refused, Unauthenticated
from registry.kit.http.edge import request_id
from registry.kit.logging import log, name_of, place_of

MEDIA_TYPE = "application/problem+json"

_HTTP = log("http")
_ENCODE = msgspec.json.Encoder().encode
_PATH = re.compile(r" - at `(?P<path>[^`]*)`$")
_QUOTED = re.compile(r" '[^']*'")
_NAMED = re.compile(r"(?:required|unknown) field `(?P<name>[^`]*)`")
_BODY_FIELD = re.compile(r"[a-z_]+(\.[A-Za-z0-9_-]+)*")
_SHAPE_MEND = "GET /schema/openapi.json describes what this route takes"
_INSTANT_MEND = "write an instant with its offset from UTC, such as 2026-01-31T09:30:00Z"
# What Litestar says of a caller who went away in the middle of the body, as a failure of its own; it is none of ours.
_HUNG_UP = "client disconnected prematurely"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


class FieldProblem(msgspec.Struct, frozen=True):
    """One field that is wrong: a JSON pointer (RFC 6901) into the body, or the name of a header or parameter."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457). `code` is stable for ever and makes the type; `mend` says what to do."""

    status: int
    title: str
    code: str
    detail: str
    type: str = ""
    field: str | None = None
    mend: str | None = None
    errors: list[FieldProblem] = []
    request_id: str | None = None


def answer(
    request: Request[Any, Any, Any], problem: Problem, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """The response that carries `problem`."""
    body = msgspec.structs.replace(
        problem, type=f"urn:zgoda:problem:{problem.code}", request_id=request_id(request.scope)
    )
    return Response(_ENCODE(body), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers or {})


def refused(request: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    """A refusal of ours."""
    headers = {"WWW-Authenticate": 'Bearer realm="zgoda"'} if isinstance(error, Unauthenticated) else {}
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    problem = Problem(
        status=error.status,
        title=error.title,
        code=error.code,
        detail=error.detail,
        field=_place(request, error.field),
        mend=error.mend,
    )
    return answer(request, problem, headers)


def _place(request: Request[Any, Any, Any], field: str | None) -> str | None:
    """A field of the body as a JSON pointer; services name fields as the command line does, `a.b`."""
    if field is None or request.method != "POST" or not _BODY_FIELD.fullmatch(field):
        return field
    return "/" + field.replace(".", "/")


def invalid(request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """A body, header or parameter of the wrong shape: 400, each field named, no value repeated."""
    told = [_field(item) for item in error.extra or [] if isinstance(item, dict)]
    detail = (
        told[0].detail if len(told) == 1 else "The request does not have the shape that this route asks for."
    )
    problem = Problem(
        status=400,
        title="Bad request",
        code="request.invalid",
        detail=detail,
        field=told[0].pointer if told else None,
        mend=_INSTANT_MEND if any("datetime" in one.detail for one in told) else _SHAPE_MEND,
        errors=told,
    )
    return answer(request, problem)


def _field(item: dict[str, Any]) -> FieldProblem:
    message = str(item.get("message", "is not valid"))
    key = str(item.get("key", ""))
    if message == "'data'":
        # The framework's word for a body that is not there.
        return FieldProblem("/", "The body is empty.")
    if item.get("source") not in ("body", None):
        return FieldProblem(key, _said(message))
    pointer = _pointer("" if key == "data" else key)
    if named := _NAMED.search(message):
        pointer += "/" + _safe(named["name"])
    return FieldProblem(pointer or "/", _said(message))


def _pointer(path: str) -> str:
    """`a.b[0].c` or `a.0.c` as a JSON pointer; names that a client made up are not repeated."""
    parts = [part for part in re.split(r"[.\[\]]+", path) if part and part != "$"]
    return "".join("/" + (part if part.isdigit() else _safe(part)) for part in parts)


def _safe(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else "..."


def _said(message: str) -> str:
    """A validator's message without the value that it may quote."""
    message = _QUOTED.sub("", _PATH.sub("", message))
    message = _NAMED.sub(lambda found: found[0].replace(found["name"], _safe(found["name"])), message)
    return message if len(message) <= 200 else "is not valid"


_TITLES = {
    400: ("request.malformed", "The request could not be read.", "send a well-formed JSON body and headers"),
    401: ("credential.missing", "This route needs a key.", "send Authorization: Bearer KEY"),
    403: ("action.forbidden", "This key does not allow that.", None),
    404: ("route.unknown", "There is nothing here.", "GET /schema/openapi.json lists the routes"),
    405: ("method.unsupported", "This route does not take that method.", None),
    413: ("request.too_large", "The body is larger than this route takes.", None),
    429: ("request.too_many", "Too many requests.", "wait and try again"),
}


def protocol(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses; its own text may quote path and body, so it is not used."""
    if error.detail == _HUNG_UP:
        code, detail, mend = _TITLES[400]
        return answer(request, Problem(400, "Bad request", code, detail, mend=mend))
    if error.status_code >= 500:
        return failed(request, error)
    code, detail, mend = _TITLES.get(error.status_code, ("request.refused", "The request was refused.", None))
    title = HTTPStatus(error.status_code).phrase
    problem = Problem(status=error.status_code, title=title, code=code, detail=detail, mend=mend)
    return answer(request, problem, error.headers)


def unavailable(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The database went away or would not take the transaction: nothing was changed, try again."""
    _HTTP.warning(
        "database.unavailable", error=name_of(error), at=place_of(error), request_id=request_id(request.scope)
    )
    problem = Problem(
        503, "Unavailable", "database.unavailable", "The database does not answer.", mend="try again"
    )
    return answer(request, problem, {"Retry-After": "1"})


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Our own fault: the caller learns the request id, the log learns which error and where, nobody the values."""
    _HTTP.error(
        "request.failed", error=name_of(error), at=place_of(error), request_id=request_id(request.scope)
    )
    problem = Problem(
        status=500,
        title="Internal error",
        code="server.failed",
        detail="Something went wrong on our side.",
        mend="quote the request id to whoever runs this server",
    )
    return answer(request, problem)


def too_deep(request: Request[Any, Any, Any], _: RecursionError) -> Response[bytes]:
    """JSON nested beyond what the reader follows."""
    code, detail, mend = _TITLES[400]
    return answer(request, Problem(400, "Bad request", code, detail, mend=mend))


def not_text(request: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[bytes]:
    """A body that is not UTF-8; bytes that we ourselves cannot read are our own fault."""
    if not (place_of(error) or "").startswith("litestar.serialization"):
        return failed(request, error)
    code, detail, mend = _TITLES[400]
    return answer(request, Problem(400, "Bad request", code, detail, mend=mend))


HANDLERS: ExceptionHandlersMap = {
    Refused: refused,
    UnicodeDecodeError: not_text,
    ValidationException: invalid,
    HTTPException: protocol,
    RecursionError: too_deep,
    psycopg.OperationalError: unavailable,
    Exception: failed,
}
