"""What two sets of policies say differently about a purpose, in lines that people read before they decide. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from registry.policy.model import PolicySet
from registry.policy.versions import body

# More of a list than this is counted and not told.
_LISTED = 4
# No rule of hours, caps, lists or a country is as long: each is told whole. Prose may be longer, and is cut.
_WHOLE = 300


def differences(old: PolicySet, new: PolicySet, purpose: str) -> list[str]:
    """What the files say differently about a purpose of both sets, as `purpose.valid_for_days: 730 -> 365`.

    What both files have alike is no difference, also when it begins or ceases to bear on the purpose: that follows
    from a line which is told.
    """
    before, after = _parts(old, purpose), _parts(new, purpose)
    named = new.purposes[purpose]
    for part, those in (
        ("controller", old.controllers.get(named.controller)),
        ("balancing", old.balancing.get(named.balancing or "")),
    ):
        before[part] = those.model_dump(mode="json") if those else None
    for part, everything in _SHARED.items():
        if (was := before[part]) != (now := after[part]):
            before[part], after[part] = (_bearing(everything(one), was, now) for one in (old, new))
    return list(changes(before, after))


def _parts(policies: PolicySet, purpose: str) -> dict[str, Any]:
    """The body of a purpose's version, each part of the schedule for itself."""
    parts = body(policies, purpose)
    return parts | {f"schedule.{part}": said for part, said in parts.pop("schedule").items()}


def _bearing(everything: Any, was: Any, now: Any) -> Any:
    """What a set has, at all, of that which bears on the purpose in one of two sets."""
    if isinstance(everything, dict):
        return {name: one for name, one in everything.items() if name in was or name in now}
    return [one for one in everything if one in was or one in now]


def _by_name(these: dict[str, Any]) -> dict[str, Any]:
    return {name: one.model_dump(mode="json") for name, one in these.items()}


def _in_order(rules: Iterable[Any]) -> list[dict[str, Any]]:
    return sorted((rule.model_dump(mode="json") for rule in rules), key=json.dumps)


# Parts of which a body holds what bears on the purpose, and all that a set has of each.
_SHARED: dict[str, Callable[[PolicySet], Any]] = {
    "channels": lambda p: _by_name(p.channels),
    "lists": lambda p: _by_name(p.lists),
    "eprivacy": lambda p: _in_order(p.eprivacy),
    "ages": lambda p: _in_order(p.ages),
    "partners": lambda p: sorted(name for name, one in p.recipients.items() if one.role == "controller"),
    "schedule.zones": lambda p: p.schedule.zones,
    "schedule.quiet": lambda p: [one.model_dump(mode="json", by_alias=True) for one in p.schedule.quiet],
    "schedule.caps": lambda p: [one.model_dump(mode="json") for one in p.schedule.caps],
}


def changes(old: object, new: object, at: str = "") -> Iterator[str]:
    """What differs between two bodies, key by key, as `purpose.valid_for_days: 730 -> 365`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from changes(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(old, list) and isinstance(new, list):
        gone = [one for one in old if one not in new]
        come = [one for one in new if one not in old]
        if gone or come:
            said = [*(f"- {_short(one)}" for one in gone), *(f"+ {_short(one)}" for one in come)]
            if len(said) > _LISTED:
                said = [f"{len(gone)} gone, {len(come)} new, such as {said[-1]}"]
            yield f"{at}: {'; '.join(said)}"
        elif old != new:
            yield f"{at}: in another order"
    elif old != new:
        yield f"{at}: {_short(old)} -> {_short(new)}"


def _short(value: object) -> str:
    """A value in one line of bearable length."""
    text = (
        "none"
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )
    text = " ".join(text.split())
    return text if len(text) <= _WHOLE else f"{text[: _WHOLE - 1]}…"
