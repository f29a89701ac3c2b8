"""Why a caller calls: the headers that every read of personal data needs and every audit entry repeats."""

import re
from typing import Any

from litestar.connection import ASGIConnection

from registry.kit.errors import Misuse

PURPOSE_HEADER = "Zgoda-Purpose"
REASON_HEADER = "Zgoda-Reason"

DEFAULT_PURPOSE = "operation"
DEFAULT_REASON = "api call"

_PURPOSE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Connection = ASGIConnection[Any, Any, Any, Any]


def stated(connection: Connection, *, required: bool) -> tuple[str, str]:
    """Purpose and reason of the call; with `required` both headers must be there.

    Raises Misuse (400) `purpose.missing`, `purpose.invalid` or `reason.missing`, which name the header. What a
    reason may say is the log's to judge.
    """
    purpose = connection.headers.get(PURPOSE_HEADER)
    reason = connection.headers.get(REASON_HEADER)
    if required and not purpose:
        raise _missing("purpose.missing", PURPOSE_HEADER, "support")
    if required and not reason:
        raise _missing("reason.missing", REASON_HEADER, "ticket 4711")
    purpose = purpose or DEFAULT_PURPOSE
    if not _PURPOSE.fullmatch(purpose):
        raise Misuse(
            "purpose.invalid", "A purpose is one word.", field=PURPOSE_HEADER, mend="such as support"
        )
    return purpose, reason or DEFAULT_REASON


def _missing(code: str, header: str, example: str) -> Misuse:
    detail = f"Reading personal data needs the header {header}."
    return Misuse(code, detail, field=header, mend=f"send {header}: {example}")
