"""What is said over the API in tests of the law."""

from typing import Any

# A yes to the newsletter by e-mail, given on a form, on the first version of its notice.
YES: dict[str, Any] = {
    "kind": "grant",
    "purpose": "newsletter",
    "channel": "email",
    "act": "ticked",
    "notice": {"version": 1, "locale": "en"},
    "source": "form",
}
