"""Why a caller calls: the headers that every read of personal data needs and every audit entry repeats."""

import re
from collections.abc import Mapping

from registry.kit.errors import Misuse

PURPOSE_HEADER = "Zgoda-Purpose"
REASON_HEADER = "Zgoda-Reason"

DEFAULT_PURPOSE = "operation"
DEFAULT_REASON = "api call"

_PURPOSE_NAME, _REASON_NAME = PURPOSE_HEADER.lower().encode(), REASON_HEADER.lower().encode()
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def stated(headers: Mapping[bytes, bytes], *, required: bool) -> tuple[str, str]:
    """Purpose and reason of the call, from its headers by lower-case name; with `required` both must be there.

    Raises Misuse (400) `purpose.missing`, `purpose.invalid` or `reason.missing`, which name the header. What a
    reason may say is the log's to judge.
    """
    purpose, reason = headers.get(_PURPOSE_NAME), headers.get(_REASON_NAME)
    if required and not purpose:
        raise _missing("purpose.missing", PURPOSE_HEADER, "support")
    if required and not reason:
        raise _missing("reason.missing", REASON_HEADER, "ticket 4711")
    named = purpose.decode("latin-1") if purpose else DEFAULT_PURPOSE
    if not _PURPOSE.fullmatch(named):
        raise Misuse(
            "purpose.invalid", "A purpose is one word.", field=PURPOSE_HEADER, mend="such as support"
        )
    return named, reason.decode("latin-1") if reason else DEFAULT_REASON


def _missing(code: str, header: str, example: str) -> Misuse:
    detail = f"Reading personal data needs the header {header}."
    return Misuse(code, detail, field=header, mend=f"send {header}: {example}")
