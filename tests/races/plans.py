"""Who does what to which person, and when: worked out from a seed, so that a run can be done again.

A person's messages come one after the other; each time one is claimed, a round begins in which several actors, in
different processes, act at about the same moment. Each actor does one thing after the other.
"""

import random
from typing import NamedTuple

# A "no" by each route, and how often it is taken.
NOES = {
    "one_click": 20,
    "withdraw": 12,
    "withdraw_at_address": 8,
    "refuse": 4,
    "object": 8,
    "object_to_all": 6,
    "restrict": 10,
    "restrict_alone": 8,
    "suppress": 14,
    "bury": 4,
    "erase": 5,
    "merge": 10,
}
# What leaves nobody to be merged with, or no address to share, would be explained by a larger model.
_APART = ({"erase", "merge"}, {"bury", "suppress"})
# How long a "no" is in coming: with the hand-off's own hesitation, about as often before it as after.
LONGEST = 3.0


class Step(NamedTuple):
    """One act, after what the actor did before by so many times as long as an act takes on this machine."""

    after: float
    act: str


Script = tuple[Step, ...]
Round = tuple[Script, ...]


class Plan(NamedTuple):
    """What happens around one person."""

    shared: bool
    duplicate: bool
    duplicate_no: bool
    rounds: tuple[Round, ...]

    @property
    def messages(self) -> int:
        return len(self.rounds)


def plan(seed: int, number: int) -> Plan:
    """The plan for the person of that number."""
    chance = random.Random(f"{seed}/{number}")
    first = _choice(chance, set())
    again = chance.random() < 0.4
    rounds = [_round(chance, first, lift=again)]
    acts = {first}
    if again:
        second = _choice(chance, {first, *_excluded(first)})
        acts.add(second)
        rounds.append(_round(chance, second, lift=chance.random() < 0.3))
    return Plan(
        shared="suppress" in acts or chance.random() < 0.15,
        duplicate="merge" in acts,
        duplicate_no=chance.random() < 0.8,
        rounds=tuple(rounds),
    )


def _choice(chance: random.Random, without: set[str]) -> str:
    noes = {act: weight for act, weight in NOES.items() if act not in without}
    return chance.choices(list(noes), list(noes.values()))[0]


def _excluded(act: str) -> set[str]:
    return {other for pair in _APART if act in pair for other in pair}


def _round(chance: random.Random, no: str, *, lift: bool) -> Round:
    def moment(longest: float = LONGEST) -> float:
        return chance.uniform(0, longest)

    taking = [Step(moment(), no)]
    if lift:
        taking.append(Step(moment(1), "grant"))
    scripts: list[Script] = [tuple(taking)]
    if chance.random() < 0.4:
        permit = [Step(0, "issue"), Step(moment(1), "redeem")]
        if chance.random() < 0.25:
            permit.append(Step(moment(1), "redeem"))
        scripts.append(tuple(permit))
    if chance.random() < 0.35:
        scripts.append((Step(moment(), "check"), Step(moment(1), "check")))
    return tuple(scripts)
