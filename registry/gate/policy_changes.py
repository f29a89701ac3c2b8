"""What another policy would change: who would get another answer, from which reason to which. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from registry.gate import rules, service
from registry.gate.model import PERMIT, Outcome, Question
from registry.kit.ids import NIL
from registry.policy.model import PolicySet

Effect = Literal["permitted", "blocked", "deferred", "reason"]
EFFECTS: tuple[Effect, ...] = ("permitted", "blocked", "deferred", "reason")
# Nothing can change; the gate's rows say it; everybody's record has to be read.
Method = Literal["none", "rows", "records"]
# Told a label and how many there are to do, gives whom to tell how many more are done.
Progress = Callable[[str, int], Callable[[int], None]]

_EFFECT_OF: dict[Outcome, Effect] = {
    Outcome.PERMIT: "permitted",
    Outcome.DENY: "blocked",
    Outcome.DEFER: "deferred",
}


class Pair(NamedTuple):
    """A purpose on a channel: what persons are counted by."""

    purpose: str
    channel: str


class Answered(NamedTuple):
    """One person who would get another answer."""

    person: UUID
    purpose: str
    channel: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """Persons who get another answer: from which reason to which (`permit` among them)."""

    purpose: str
    channel: str
    before: str
    after: str
    persons: int
    # Ids of a few of them; opaque, and in the log.
    examples: tuple[UUID, ...] = ()

    @property
    def effect(self) -> Effect:
        """What it means for them."""
        return effect(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Compared:
    """One purpose on one channel: how many persons there are, and which of them get another answer."""

    pair: Pair
    method: Method
    persons: int = 0
    changes: tuple[Change, ...] = ()

    def with_effect(self, effect: Effect) -> int:
        return sum(change.persons for change in self.changes if change.effect == effect)


@dataclass(slots=True)
class Difference:
    """Everything that would change, purpose by purpose."""

    at: datetime
    compared: list[Compared] = field(default_factory=list)
    # Keys of each purpose's recorded body that differ, as `purpose.valid_for_days: 730 -> 365`.
    keys: dict[str, list[str]] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """All of them, the most persons first."""
        found = (change for one in self.compared for change in one.changes)
        return sorted(found, key=lambda c: (-c.persons, c.purpose, c.channel, c.before, c.after))

    def total(self, effect: Effect) -> int:
        return sum(one.with_effect(effect) for one in self.compared)


def outcome(reason: str) -> Outcome:
    """The outcome that a reason stands for."""
    if reason == PERMIT:
        return Outcome.PERMIT
    return Outcome.DEFER if reason in rules.DEFERRING else Outcome.DENY


def effect(before: str, after: str) -> Effect:
    """What another reason means for a person; `reason` when the outcome stays and only the reason is another."""
    was, now = outcome(before), outcome(after)
    return "reason" if was is now else _EFFECT_OF[now]


def declares(policies: PolicySet, pair: Pair) -> bool:
    """Whether there is such a purpose and it uses the channel."""
    return pair.purpose in policies.purposes and pair.channel in policies.purposes[pair.purpose].channels


def answer_without_rows(policies: PolicySet, pair: Pair) -> str:
    """The answer about somebody of whom the gate has no row: the same for everybody."""
    return service.before_facts(policies, Question(NIL, *pair)) or "address.missing"
