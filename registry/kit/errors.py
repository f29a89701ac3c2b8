"""Refusals: every error that a caller caused or can mend, as a stable code and a sentence without personal data."""

import re


class Refused(Exception):
    """The request was understood and is refused; nothing was changed.

    `code` is stable for ever (`noun.state`); `detail` is one sentence; `field` is a JSON pointer or option
    name; `mend` says what to do. `status` is the HTTP status (RFC 9110), `exit_code` that of the command.
    """

    status = 409
    exit_code = 1
    title = "Refused"

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        field: str | None = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.field = field
        self.mend = mend
        if status is not None:
            self.status = status

    def line(self) -> str:
        """The refusal in one line, for the command line and for logs; names its field, where the words do not."""
        told = f"{self.detail} ({self.mend})" if self.mend else self.detail
        if self.field and not re.search(rf"(?<![\w-]){re.escape(self.field)}(?![\w-])", told):
            told = f"{self.field}: {told}"
        return f"{self.code}: {told}"


class Misuse(Refused):
    """The request itself is wrong: a missing field, an unknown value, bad syntax."""

    status = 400
    exit_code = 2
    title = "Bad request"


class Unauthenticated(Refused):
    """No credential, or one that is not valid."""

    status = 401
    title = "Not authenticated"


class Forbidden(Refused):
    """The credential is valid and does not allow this."""

    status = 403
    title = "Forbidden"


class NotFound(Refused):
    """What was asked for does not exist, or not for this caller."""

    status = 404
    title = "Not found"


class Unavailable(Refused):
    """A part that is needed does not answer; asking again later may succeed."""

    status = 503
    title = "Unavailable"


class Overtaken(Unavailable):
    """Somebody else changed what this had looked up, before it was locked; `Database.run` does it again."""
