"""Writes docs/reference/roles.md: what each kind of key may do and sees, from policies/roles.toml."""

import tomllib

from tests.docs.law_report import ROOT

_FOR = {
    "admin": ("who runs the installation", "everything"),
    "dpo": ("the data protection officer", "everything"),
    "engine": ("a machine that asks before it sends", "what the key names"),
    "marketer": ("whoever makes campaigns", "what the key names"),
    "write": ("a shop, a form, a till", "what the key names"),
    "auditor": ("whoever verifies the log", "everything"),
}

_HEAD = """# Roles and masks

Written by `make docs` from `policies/roles.toml`; do not edit.

The kind of an API key is its role. `policies/roles.toml` says what each may do, by the tag of the log entry that the
action leaves, and which values it sees in full. What is not listed is refused (`action.forbidden`) and masked.

| kind | for | reaches | sees in full |
|---|---|---|---|
"""

_MASKS = """
Masked, an e-mail address is `j•••@•••`, a telephone number `•••42`, anything else `•••`. `engine`, `marketer` and
`write` reach only purposes or controllers that their key names; to record a "no" to all marketing of a controller,
one purpose of it is enough.

"""

_TAIL = """
A command at the terminal of the server acts as `admin`, for whoever has the key ring can open everything.

A key is `zgoda_<kind>_` and 36 letters and digits, the last six a checksum; only its SHA-256 is kept. A revoked key is
refused by every running server within 3 seconds.
"""


def report() -> str:
    """The text of docs/reference/roles.md. KeyError for a kind that nobody described."""
    roles = tomllib.loads((ROOT / "policies" / "roles.toml").read_text("utf-8"))
    page = _HEAD
    for kind, role in roles.items():
        seen = ", ".join(f"`{name}`" for name in role["unmasked"]) or "nothing"
        page += f"| `{kind}` | {_FOR[kind][0]} | {_FOR[kind][1]} | {seen} |\n"
    page += _MASKS
    page += f"| action | {' | '.join(roles)} |\n|---|{'---|' * len(roles)}\n"
    for action in sorted({action for role in roles.values() for action in role["actions"]}):
        cells = ("yes" if action in role["actions"] else "" for role in roles.values())
        page += f"| `{action}` | {' | '.join(cells)} |\n"
    return page + _TAIL
