"""The OpenAPI 3.1 document: made from the routes, with the errors and the credential that they all share."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from registry.kit.http.admission import CLOSED, OPTION, Admission
from registry.kit.http.examples import OF_MEDIA, Example, Examples, named
from registry.kit.http.idempotency import HEADER as IDEMPOTENCY_HEADER
from registry.kit.http.problems import MEDIA_TYPE, Problem
from registry.kit.http.purposes import PURPOSE_HEADER, REASON_HEADER

_SECURITY = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "zgoda_<kind>_<secret>"}}

_FIELD_PROBLEM = {
    "type": "object",
    "required": ["pointer", "detail"],
    "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
}
_PROBLEM = {
    "type": "object",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "status", "title", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "code": {"type": "string", "description": "Stable for ever: noun.state."},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "JSON pointer, or the name of a header or parameter."},
        "mend": {"type": "string", "description": "What to do."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
        "request_id": {"type": "string"},
    },
}
_MEANINGS = {
    400: "The request is malformed, a field is wrong, or a header is missing.",
    401: "No key, or one that is not valid.",
    403: "The key does not allow this action, or not for this purpose.",
    404: "What was asked for does not exist.",
    409: "Refused: what stands on record does not allow it. Nothing was changed.",
    413: "The body is larger than this route takes.",
    422: "The idempotency key came with another request before.",
    500: "Our fault. Quote the request id.",
    503: "The database does not answer. Try again.",
}
_REQUEST = "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a99"
_TYPICAL = {
    problem.status: problem
    for problem in (
        Problem(
            400,
            "Bad request",
            "purpose.unknown",
            "There is no such purpose.",
            "",
            "/purpose",
            "see zgoda policy list",
        ),
        Problem(
            401, "Not authenticated", "credential.invalid", "This key is not valid.", "", "Authorization"
        ),
        Problem(
            403, "Forbidden", "purpose.out_of_scope", "This key does not reach that purpose.", "", "/purpose"
        ),
        Problem(404, "Not found", "contact.unknown", "There is no such contact."),
        Problem(409, "Refused", "contact.ambiguous", "Several persons have this address."),
        Problem(
            413, "Request Entity Too Large", "request.too_large", "The body is larger than this route takes."
        ),
        Problem(
            422, "Idempotency key reused", "idempotency_key.reused", "This key was used for another request."
        ),
        Problem(500, "Internal error", "server.failed", "Something went wrong on our side."),
        Problem(
            503, "Unavailable", "database.unavailable", "The database does not answer.", "", None, "try again"
        ),
    )
}
_HEADERS = {
    PURPOSE_HEADER: "support",
    REASON_HEADER: "ticket 4711",
    IDEMPOTENCY_HEADER: "0199f3a2-6c1e-7d4b-9b52-4f0f6d1c2a98",
}
# What any route, any with a key, any that reads persons, and any that takes a body may answer.
_CODES = ("request.invalid", "request.malformed", "database.unavailable", "server.failed")
_CODES_OF_KEYS = (
    "credential.missing",
    "credential.invalid",
    "action.forbidden",
    "purpose.out_of_scope",
    "purpose.invalid",
    "reason.invalid",
    "reason.too_long",
    "reason.personal_data",
)
_CODES_OF_READING = ("purpose.missing", "reason.missing")
_CODES_OF_BODIES = (
    "request.too_large",
    "idempotency_key.invalid",
    "idempotency_key.reused",
)
_PROBLEM_SCHEMA = "#/components/schemas/Problem"
_SHARED = {"GET": (400, 401, 403, 404, 500, 503), "POST": (400, 401, 403, 404, 409, 413, 422, 500, 503)}
_OPEN = {"GET": (400, 404, 500, 503), "POST": (400, 404, 409, 413, 500, 503)}


def document(
    handlers: Sequence[ControllerRouterHandler], title: str, version: str, examples: Examples | None = None
) -> bytes:
    """The document as JSON. The framework says errors are application/json of its own shape; ours are said here.

    `examples` are those of all areas, by "METHOD /path".
    """
    shadow = Litestar(
        route_handlers=list(handlers),
        openapi_config=OpenAPIConfig(title=title, version=version, use_handler_docstrings=True),
        logging_config=None,
    )
    described: dict[str, Any] = shadow.openapi_schema.to_schema()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            handler = _handler(shadow, path, method.upper())
            admission = handler.opt.get(OPTION, CLOSED)
            _finish(operation, method.upper(), admission)
            _illustrate(operation, (examples or {}).get(f"{method.upper()} {path}", Example()), admission)
    components = described.setdefault("components", {})
    components.setdefault("schemas", {}).update({"Problem": _PROBLEM, "FieldProblem": _FIELD_PROBLEM})
    components["securitySchemes"] = _SECURITY
    components["responses"] = {
        f"Problem{status}": {
            "description": meaning,
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": _PROBLEM_SCHEMA},
                    "examples": named({_TYPICAL[status].code: _problem(_TYPICAL[status])}),
                }
            },
        }
        for status, meaning in _MEANINGS.items()
    }
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()


def _problem(problem: Problem) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(problem)
    return {**told, "type": f"urn:zgoda:problem:{problem.code}", "request_id": _REQUEST}


def _illustrate(operation: dict[str, Any], example: Example, admission: Admission) -> None:
    """Put the examples where the document asks for them, and list the codes of refusals that are known."""
    if "requestBody" in operation and example.requests:
        for content in operation["requestBody"]["content"].values():
            content["examples"] = named(example.requests)
    for status, response in operation["responses"].items():
        for media, content in response.get("content", {}).items():
            if media.endswith(("/json", "+json")) and content.get("schema", {}).get("type") == "string":
                # Written out by the route itself, byte for byte, for somebody signed it.
                content["schema"] = {"type": "object"}
            if media in OF_MEDIA:
                content["examples"] = named({"a page": OF_MEDIA[media]})
            elif status.isdigit() and int(status) < 400 and example.answers:
                content["examples"] = named(example.answers)
    for parameter in operation["parameters"]:
        told = {**_HEADERS, **example.path, **example.query}.get(parameter["name"])
        if told is not None:
            parameter["example"] = told
    shared = (*_CODES, *(() if admission.public else _CODES_OF_KEYS))
    shared += _CODES_OF_READING if admission.personal else ()
    if "requestBody" in operation:
        shared += _CODES_OF_BODIES
    operation["x-problem-codes"] = sorted({*shared, *example.problems})


def _handler(app: Litestar, path: str, method: str) -> BaseRouteHandler:
    for route in app.routes:
        if route.path_format == path:
            for handler in getattr(route, "route_handlers", ()):
                if isinstance(handler, HTTPRouteHandler) and method in handler.http_methods:
                    return handler
    raise LookupError(f"{method} {path} is described and not routed")


def _finish(operation: dict[str, Any], method: str, admission: Admission) -> None:
    """Add what all routes share: problems, the credential, and the headers that the guard reads."""
    responses = operation["responses"]
    for status in [status for status in responses if int(status) >= 400]:
        del responses[status]
    for status in (_OPEN if admission.public else _SHARED).get(method, ()):
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if any("text/html" in response.get("content", {}) for response in responses.values()):
        # A page that is not there is a page too.
        content = {
            "text/html": {"schema": {"type": "string"}},
            MEDIA_TYPE: {"schema": {"$ref": _PROBLEM_SCHEMA}},
        }
        responses["404"] = {"description": _MEANINGS[404], "content": content}
    operation["security"] = [] if admission.public else [{"key": []}]
    parameters = operation.setdefault("parameters", [])
    if not admission.public:
        personal = admission.personal
        parameters += [
            _header(
                PURPOSE_HEADER,
                "^[a-z0-9][a-z0-9._-]{0,63}$",
                "What the data is read or written for.",
                personal,
            ),
            _header(REASON_HEADER, "^[ -~]{1,200}$", "Why, in one line that names nobody.", personal),
        ]
        if method == "POST":
            parameters.append(
                _header(IDEMPOTENCY_HEADER, "^[!-~]{1,255}$", "Makes a repeat harmless.", False)
            )


def _header(name: str, pattern: str, description: str, required: bool) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}
