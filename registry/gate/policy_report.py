"""What a comparison of policies looks like: a table and bars for people, one object for programs. Pure."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from registry.gate.policy_changes import EFFECTS, Change, Compared, Difference, Effect

_COLOUR: dict[Effect, str] = {"permitted": "green", "blocked": "red", "deferred": "yellow", "reason": "dim"}
_VERB: dict[Effect, str] = {
    "permitted": "would become permitted",
    "blocked": "would become blocked",
    "deferred": "would be deferred",
    "reason": "keep their outcome for another reason",
}
_BAR = 24
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# Beyond so many keys a purpose is better read in its files.
_KEYS = 12


def as_json(old: str, new: str, found: Difference) -> dict[str, Any]:
    """The whole comparison."""
    return {
        "old": old,
        "new": new,
        "at": found.at.isoformat(),
        "policies": found.keys,
        "totals": {effect: found.total(effect) for effect in EFFECTS},
        "summary": [
            {
                "purpose": one.pair.purpose,
                "channel": one.pair.channel,
                "persons": one.persons,
                "method": one.method,
                **{effect: one.with_effect(effect) for effect in EFFECTS},
            }
            for one in found.compared
            if one.method != "none"
        ],
        "changes": [
            {
                "purpose": change.purpose,
                "channel": change.channel,
                "from": change.before,
                "to": change.after,
                "effect": change.effect,
                "persons": change.persons,
                "examples": [str(one) for one in change.examples],
            }
            for change in found.changes
        ],
    }


def for_people(old: str, new: str, found: Difference) -> RenderableType:
    """What changes in the policies, who is answered differently, and how many that is."""
    parts: list[RenderableType] = [Text(f"{old} → {new}, as of {found.at:%Y-%m-%d %H:%M} UTC", style="bold")]
    for purpose, keys in found.keys.items():
        parts.append(Text(f"\n{purpose}", style="bold"))
        parts += [Text(f"  {key}") for key in keys[:_KEYS]]
        if len(keys) > _KEYS:
            parts.append(Text(f"  and {len(keys) - _KEYS} more"))
    if not found.keys:
        parts.append(Text("No purpose says anything else."))
    parts.append(Text(""))
    if found.changes:
        parts.append(_table(found))
        parts.append(Text(""))
    for effect in EFFECTS:
        if count := found.total(effect):
            parts.append(Text(f"{count:,} answers {_VERB[effect]}", style=_COLOUR[effect]))
    if not found.changes:
        parts.append(Text("Nobody's answer changes."))
    return Group(*parts)


def _table(found: Difference) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("purpose", "channel", "from", "to"):
        table.add_column(column)
    for column in ("persons", "share"):
        table.add_column(column, justify="right")
    table.add_column("")
    table.add_column("for example")
    persons = {one.pair: one for one in found.compared}
    most = max(change.persons for change in found.changes)
    for change in found.changes:
        of = persons[change.purpose, change.channel]  # type: ignore[index]  # a pair is a tuple
        table.add_row(
            change.purpose,
            change.channel,
            change.before,
            Text(change.after, style=_COLOUR[change.effect]),
            f"{change.persons:,}",
            _share(change, of),
            Text(bar(change.persons, most), style=_COLOUR[change.effect]),
            str(change.examples[0]) if change.examples else "",
        )
    return table


def _share(change: Change, of: Compared) -> str:
    return f"{100 * change.persons / of.persons:.1f} %" if of.persons else ""


def bar(part: int, whole: int) -> str:
    """A bar of eighths of a character, at most `_BAR` wide; whatever is there can be seen."""
    eighths = max(1, round(8 * _BAR * part / whole)) if part and whole else 0
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
