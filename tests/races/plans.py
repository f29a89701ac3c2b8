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
    "restrict_alone": 20,
    "suppress": 14,
    "bury": 4,
    "erase": 5,
    "merge": 10,
}
# What leaves nobody to be merged with, or no address to share, would be explained by a larger model.
_APART = (
    {"erase", "merge"},
    {"bury", "suppress"},
    # One holds the person's row alone and the other the address's: nothing of the product writes by less than both.
    {"restrict_alone", "bury"},
    {"restrict_alone", "suppress"},
)
# How long a "no" is in coming: with the hand-off's own hesitation, about as often before it as after, and seldom so
# long before or after that nothing overlaps.
LONGEST = 1.3
# How often two say no in the same round.
SEVERAL = 0.5


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
    acts: set[str] = set()
    rounds = []
    count = 2 if chance.random() < 0.4 else 1
    for left in reversed(range(count)):
        noes = [_another(chance, acts)]
        if chance.random() < SEVERAL:
            noes.append(_another(chance, acts))
        # Without a yes between them the second round would have nothing to race for.
        rounds.append(_round(chance, noes, lift=left > 0 or chance.random() < 0.15))
    return Plan(
        shared="suppress" in acts or chance.random() < 0.15,
        duplicate="merge" in acts,
        duplicate_no=chance.random() < 0.8,
        rounds=tuple(rounds),
    )


def _another(chance: random.Random, acts: set[str]) -> str:
    """A "no" that was not chosen yet and goes with those that were; it is one of them from now on."""
    without = acts | {other for pair in _APART if acts & pair for other in pair}
    noes = {act: weight for act, weight in NOES.items() if act not in without}
    chosen = chance.choices(list(noes), list(noes.values()))[0]
    acts.add(chosen)
    return chosen


def _round(chance: random.Random, noes: list[str], *, lift: bool) -> Round:
    def moment(longest: float = LONGEST) -> float:
        return chance.uniform(0, longest)

    scripts: list[Script] = [(Step(moment(), no),) for no in noes]
    if lift:
        scripts[0] += (Step(moment(1), "grant"),)
    if chance.random() < 0.4:
        permit = [Step(0, "issue"), Step(moment(0.4), "redeem")]
        if chance.random() < 0.25:
            permit.append(Step(moment(1), "redeem"))
        scripts.append(tuple(permit))
    if chance.random() < 0.35:
        scripts.append((Step(moment(), "check"), Step(moment(1), "check")))
    return tuple(scripts)
