"""Writes docs/reference/reasons.md: every reason of the gate, from its rule table and its texts."""

from registry.gate import rules
from registry.gate.reasons import MENDS, TEXTS
from registry.policy.model import PurposeClass

_HEAD = """# Reasons

Written by `make docs` from the rule table (`registry/gate/rules.py`); do not edit.

Why the gate says no or later, gravest first: the first rule that holds is the reason, and none is `permit`. Of several
addresses that are all refused the reason that comes latest is told. Codes are public: they are added to and never
renamed. The sentences exist in English, Latvian, Polish and Russian.

**Classes** are those of the purpose that the reason can stop. `consent.*` applies to purposes that rest on consent,
`basis.*`, `channel.*` and `address.listed` to all others. `purpose.objected` stops marketing (GDPR art. 21(2), (3)),
and every class of what rests on legitimate interests or a public task (art. 21(1)); so does `address.suppressed`, and
every class of what rests on consent. A **defer** comes with `not_before`, from when on the same question may be asked
again.

| reason | outcome | classes | article | says | what to do |
|---|---|---|---|---|---|
"""

_TAIL = """
A channel that the purpose does not declare is `consent.missing`, or `channel.ground_missing` where the purpose does not
rest on consent.
"""

_RESERVED = """
## Reserved

No rule gives these yet; programs should expect them.

| reason | outcome | will say | what to do |
|---|---|---|---|
"""


def report() -> str:
    """The text of docs/reference/reasons.md. KeyError for a reason that nobody explained."""
    found: dict[str, tuple[set[str], set[PurposeClass]]] = {
        reason: (set(), set(PurposeClass)) for reason in rules.BEFORE_FACTS
    }
    for rule in rules.all_rules():
        articles, classes = found.setdefault(rule.reason, (set(), set()))
        articles.add(rule.article)
        classes |= rule.classes
    lines = []
    for reason in rules.ORDER:
        articles, classes = found[reason]
        stops = "all" if classes == set(PurposeClass) else ", ".join(c for c in PurposeClass if c in classes)
        outcome = "defer" if reason in rules.DEFERRING else "deny"
        cells = (
            f"`{reason}`", outcome, stops, "; ".join(sorted(articles)), TEXTS[reason], MENDS[reason]
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    page = _HEAD + "\n".join(lines) + "\n" + _TAIL
    if reserved := [reason for reason in TEXTS if reason not in rules.CODES]:
        page += _RESERVED
        page += "".join(f"| `{one}` | deny | {TEXTS[one]} | {MENDS[one]} |\n" for one in reserved)
    return page
