"""The OpenAPI 3.1 document: made from the routes, with the errors and the credential that they all share."""

import json
from collections.abc import Sequence
from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from registry.kit.http.admission import CLOSED, OPTION, Admission
from registry.kit.http.idempotency import HEADER as IDEMPOTENCY_HEADER
from registry.kit.http.problems import MEDIA_TYPE
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
_PROBLEM_SCHEMA = "#/components/schemas/Problem"
_SHARED = {"GET": (400, 401, 403, 404, 500, 503), "POST": (400, 401, 403, 404, 409, 413, 422, 500, 503)}
_OPEN = {"GET": (400, 404, 500, 503), "POST": (400, 404, 409, 413, 500, 503)}


def document(handlers: Sequence[ControllerRouterHandler], title: str, version: str) -> bytes:
    """The document as JSON. The framework says errors are application/json of its own shape; ours are said here."""
    shadow = Litestar(
        route_handlers=list(handlers),
        openapi_config=OpenAPIConfig(title=title, version=version, use_handler_docstrings=True),
        logging_config=None,
    )
    described: dict[str, Any] = shadow.openapi_schema.to_schema()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            handler = _handler(shadow, path, method.upper())
            _finish(operation, method.upper(), handler.opt.get(OPTION, CLOSED))
    components = described.setdefault("components", {})
    components.setdefault("schemas", {}).update({"Problem": _PROBLEM, "FieldProblem": _FIELD_PROBLEM})
    components["securitySchemes"] = _SECURITY
    components["responses"] = {
        f"Problem{status}": {
            "description": meaning,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM_SCHEMA}}},
        }
        for status, meaning in _MEANINGS.items()
    }
    return json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()


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
