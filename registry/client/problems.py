"""Every way in which a call can fail, as one class each; the code is stable for ever, the text is for people."""

from collections.abc import Mapping

import msgspec


class ProblemField(msgspec.Struct, frozen=True):
    """One field that is wrong: a JSON pointer into the body, or the name of a header or parameter."""

    pointer: str
    detail: str


class ZgodaError(Exception):
    """A call that did not succeed.

    `code` is stable (`noun.state`), `detail` a sentence without personal data, `field` what is wrong, `mend` what to
    do about it, `status` the HTTP status (None when no answer came), `request_id` what to quote to the server's people.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        field: str | None = None,
        mend: str | None = None,
        errors: tuple[ProblemField, ...] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.field = field
        self.mend = mend
        self.errors = errors
        self.request_id = request_id

    def __str__(self) -> str:
        told = f"{self.code}: {self.detail}"
        told += f" [{self.field}]" if self.field else ""
        return f"{told} ({self.mend})" if self.mend else told


class Misuse(ZgodaError):
    """400: the request itself is wrong; sending it again changes nothing."""


class Unauthenticated(ZgodaError):
    """401: no key, or one that is not valid (any more)."""


class Forbidden(ZgodaError):
    """403: the key does not allow this action, or not for this purpose."""


class NotFound(ZgodaError):
    """404: no such person, entry or permit, or not for this key."""


class Refused(ZgodaError):
    """409: what stands on record does not allow it. Nothing was changed."""


class TooLarge(ZgodaError):
    """413: the body is larger than the route takes."""


class KeyReused(ZgodaError):
    """422: the idempotency key came with another request before."""


class ServerFailed(ZgodaError):
    """500: a fault of the server's; quote the request id."""


class Unavailable(ZgodaError):
    """503, or a proxy that did not reach the server: try again later. Nothing may have been changed, or all of it."""


class Unreachable(ZgodaError):
    """No answer came in time, at the last attempt either: the call may have been carried out, or not."""


class Unexpected(ZgodaError):
    """An answer that this client does not understand; a newer server, or something in between."""


_BY_STATUS: dict[int, type[ZgodaError]] = {
    400: Misuse,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Refused,
    413: TooLarge,
    422: KeyReused,
    500: ServerFailed,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


class _Document(msgspec.Struct, frozen=True):
    """A problem document (RFC 9457) with our members."""

    code: str
    detail: str
    field: str | None = None
    mend: str | None = None
    errors: tuple[ProblemField, ...] = ()
    request_id: str | None = None


_DECODE = msgspec.json.Decoder(_Document).decode


def problem(status: int, headers: Mapping[str, str], body: bytes) -> ZgodaError:
    """The error that an answer tells of; an answer of a proxy's has no problem document and gets the code `http.N`."""
    kind = _BY_STATUS.get(status, Unexpected)
    try:
        told = _DECODE(body)
    except ValueError:
        return kind(
            f"http.{status}",
            "The answer is no problem document.",
            status=status,
            request_id=headers.get("x-request-id"),
        )
    return kind(
        told.code,
        told.detail,
        status=status,
        field=told.field,
        mend=told.mend,
        errors=told.errors,
        request_id=told.request_id,
    )
