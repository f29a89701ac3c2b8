"""The checker itself: it accepts what could have been done one after the other, and nothing else."""

from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.races.linearizability import Operation, check, partitioned


@dataclass(frozen=True, slots=True)
class Write:
    value: int

    def step(self, state: int) -> int | None:
        return self.value


@dataclass(frozen=True, slots=True)
class Read:
    value: int

    def step(self, state: int) -> int | None:
        return state if state == self.value else None


@dataclass(frozen=True, slots=True)
class Swap:
    """Compare and set, with whether it was done."""

    old: int
    new: int
    done: bool

    def step(self, state: int) -> int | None:
        if (state == self.old) is not self.done:
            return None
        return self.new if self.done else state


def at(call, invoked, responded):
    return Operation(call, invoked, responded)


LEGAL = {
    "nothing happened": [],
    "one after the other": [at(Write(1), 0, 1), at(Read(1), 2, 3)],
    "a read that overlaps a write sees it": [at(Write(1), 0, 9), at(Read(1), 1, 2)],
    "a read that overlaps a write does not see it": [at(Write(1), 0, 9), at(Read(0), 1, 2)],
    "two reads see a write one after the other": [
        at(Write(1), 0, 9), at(Read(0), 1, 2), at(Read(1), 3, 4),
    ],
    "writes that overlap, in the order that explains the reads": [
        at(Write(1), 0, 9), at(Write(2), 0, 9), at(Read(2), 10, 11), at(Read(2), 12, 13),
    ],
    "what touches overlaps": [at(Write(1), 0, 5), at(Read(0), 5, 6)],
    "an instant within another's time": [at(Write(1), 0, 9), at(Read(0), 4, 4), at(Read(1), 5, 5)],
    "an unanswered write was done": [at(Write(1), 0, None), at(Read(1), 50, 51)],
    "an unanswered write was never done": [at(Write(1), 0, None), at(Read(0), 50, 51)],
    "an unanswered write was done late": [at(Write(1), 0, None), at(Read(0), 50, 51), at(Read(1), 60, 61)],
    "only one of two swaps is done": [at(Swap(0, 1, True), 0, 5), at(Swap(0, 2, False), 0, 5)],
}  # fmt: skip
ILLEGAL = {
    "a read of what nobody wrote": [at(Read(7), 0, 1)],
    "a read that misses an acknowledged write": [at(Write(1), 0, 1), at(Read(0), 2, 3)],
    "a read that goes back": [at(Write(1), 0, 9), at(Read(1), 1, 2), at(Read(0), 3, 4)],
    "two readers who disagree about the order": [
        at(Write(1), 0, 9), at(Write(2), 0, 9), at(Read(1), 10, 11), at(Read(2), 12, 13),
    ],
    "both of two swaps are done": [at(Swap(0, 1, True), 0, 5), at(Swap(0, 2, True), 0, 5)],
    "an unanswered write is seen and then was never done": [
        at(Write(1), 0, None), at(Read(1), 50, 51), at(Read(0), 60, 61),
    ],
    "a read before an unanswered write was asked for": [at(Read(1), 0, 1), at(Write(1), 2, None)],
}  # fmt: skip


@pytest.mark.parametrize("name", LEGAL)
def test_accepts(name) -> None:
    verdict = check(0, LEGAL[name])
    assert verdict.linearizable
    assert verdict.unexplained == ()


@pytest.mark.parametrize("name", ILLEGAL)
def test_rejects(name) -> None:
    verdict = check(0, ILLEGAL[name])
    assert not verdict.linearizable
    assert verdict.unexplained
    assert set(verdict.order) | set(verdict.unexplained) == set(ILLEGAL[name])


def test_the_order_that_it_gives_is_one() -> None:
    history = LEGAL["writes that overlap, in the order that explains the reads"]
    order = check(0, history).order
    assert order[:2] == (history[0], history[1])
    state = 0
    for one in order:
        state = one.call.step(state)
        assert state is not None


def test_each_object_has_a_history_of_its_own() -> None:
    found = partitioned([at(Write(1), 0, 1), at(Read(1), 0, 1), at(Write(2), 5, 6)], lambda one: one.invoked)
    assert {key: len(one) for key, one in found.items()} == {0: 2, 5: 1}


def _by_hand(initial: int, history: list[Operation[int]]) -> bool:
    """Every order of every selection that has at least what was answered, tried one by one."""
    asked = [one for one in range(len(history)) if history[one].responded is None]
    told = [one for one in range(len(history)) if history[one].responded is not None]
    for bits in range(1 << len(asked)):
        chosen = told + [one for place, one in enumerate(asked) if bits >> place & 1]
        for order in permutations(chosen):
            if _respects_time(history, order) and _explains(initial, history, order):
                return True
    return False


def _respects_time(history, order) -> bool:
    for place, one in enumerate(order):
        for later in order[place + 1 :]:
            ended = history[later].responded
            if ended is not None and ended < history[one].invoked:
                return False
    return True


def _explains(initial, history, order) -> bool:
    state = initial
    for one in order:
        state = history[one].call.step(state)
        if state is None:
            return False
    return True


_VALUES = some.integers(0, 2)
_CALLS = some.one_of(
    some.builds(Write, _VALUES),
    some.builds(Read, _VALUES),
    some.builds(Swap, _VALUES, _VALUES, some.booleans()),
)


@some.composite
def _histories(draw) -> list[Operation[int]]:
    history = []
    for call in draw(some.lists(_CALLS, max_size=6)):
        invoked = draw(some.integers(0, 12))
        responded = draw(some.none() | some.integers(invoked, 14))
        history.append(Operation(call, invoked, responded))
    return history


@given(_histories())
def test_agrees_with_trying_everything(history) -> None:
    assert check(0, history).linearizable is _by_hand(0, history)


def test_a_long_history_of_many_who_overlap_is_decided_at_once() -> None:
    """Fifty rounds of eight who overlap: two to the eighth sets each, and not eight to the power of all."""
    history = [
        Operation(Write(value), number * 100 + value, number * 100 + 50)
        for number in range(50)
        for value in range(8)
    ]
    history += [Operation(Read(number % 8), number * 100 + 60, number * 100 + 70) for number in range(50)]
    verdict = check(0, history)
    assert verdict.linearizable
    assert verdict.tried < 50 * 8 * (1 << 8) * 2
