"""Decides whether what many processes did at once could have been done one after the other. Pure.

The search of Wing and Gong (1993) with Lowe's memory of what was tried (2017), as Porcupine has it: an order of the
operations that never contradicts their real times, and that a sequential model accepts step by step.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
K = TypeVar("K", bound=Hashable)


class Call(Protocol[S]):
    """What somebody asked for together with the answer that they got."""

    def step(self, state: S) -> S | None:
        """The state after it, or None where a sequential system could not have answered so."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[S]):
    """A call with the instants between which it must have taken effect, on one clock for all.

    Without `responded` nobody was answered (a process died): it took effect at any time since, or never.
    """

    call: Call[S]
    invoked: int
    responded: int | None


@dataclass(frozen=True, slots=True)
class Verdict(Generic[S]):
    """An order that explains the history; or, where there is none, the longest that was found and what it left out."""

    linearizable: bool
    order: tuple[Operation[S], ...]
    unexplained: tuple[Operation[S], ...] = ()
    tried: int = 0


def check(initial: S, operations: Sequence[Operation[S]]) -> Verdict[S]:
    """Search for an order. An operation comes before another only if it was answered before that was asked.

    Costs at most one step of the model for each pair of (set of operations done, state) that can be reached.
    """
    entries = _Entries(operations)
    left = sum(operation.responded is not None for operation in operations)
    state, done = initial, 0
    chosen: list[tuple[int, S]] = []
    best: list[int] = []
    seen: set[tuple[int, S]] = {(0, initial)}
    place = entries.first()
    while left:
        number = entries.called(place)
        if number is None:
            # An answer was given to what is not in the order yet: something before it was chosen wrongly.
            if not chosen:
                return _illegal(operations, best, len(seen))
            place, state = chosen.pop()
            number = entries.called(place)
            assert number is not None
            done &= ~(1 << number)
            left += operations[number].responded is not None
            entries.put_back(place)
            place = entries.after(place)
            continue
        following = operations[number].call.step(state)
        now = done | 1 << number
        if following is None or (now, following) in seen:
            place = entries.after(place)
            continue
        seen.add((now, following))
        chosen.append((place, state))
        state, done = following, now
        left -= operations[number].responded is not None
        entries.take_out(place)
        if len(chosen) > len(best):
            best = [entries.number(one) for one, _ in chosen]
        place = entries.first()
    order = tuple(operations[entries.number(one)] for one, _ in chosen)
    return Verdict(True, order, tried=len(seen))


def partitioned(
    operations: Iterable[Operation[S]], key: Callable[[Operation[S]], K]
) -> dict[K, list[Operation[S]]]:
    """Operations by what they are about: a history is linearizable if that of each object is (Herlihy and Wing)."""
    found: dict[K, list[Operation[S]]] = {}
    for operation in operations:
        found.setdefault(key(operation), []).append(operation)
    return found


def _illegal(operations: Sequence[Operation[S]], best: Sequence[int], tried: int) -> Verdict[S]:
    rest = [operation for number, operation in enumerate(operations) if number not in set(best)]
    return Verdict(False, tuple(operations[number] for number in best), tuple(rest), tried)


class _Entries:
    """Calls and answers in the order of their times, in a list that they are taken out of and put back into."""

    def __init__(self, operations: Sequence[Operation[S]]) -> None:
        # Of the same instant the calls come first: what touches overlaps.
        times = [(one.invoked, 0, number) for number, one in enumerate(operations)]
        times += [
            (one.responded, 1, number) for number, one in enumerate(operations) if one.responded is not None
        ]
        times.sort()
        self._number = [-1, *(number for _, _, number in times)]
        self._is_call = [False, *(answer == 0 for _, answer, _ in times)]
        self._answer: dict[int, int] = {}
        size = len(times) + 1
        for place in range(1, size):
            if not self._is_call[place]:
                self._answer[self._number[place]] = place
        self._next = [*range(1, size), 0]
        self._previous = [size - 1, *range(size - 1)]

    def first(self) -> int:
        return self._next[0]

    def after(self, place: int) -> int:
        return self._next[place]

    def number(self, place: int) -> int:
        return self._number[place]

    def called(self, place: int) -> int | None:
        """The operation that begins here; None at an answer."""
        return self._number[place] if self._is_call[place] else None

    def take_out(self, place: int) -> None:
        self._unlink(place)
        if (answer := self._answer.get(self._number[place])) is not None:
            self._unlink(answer)

    def put_back(self, place: int) -> None:
        if (answer := self._answer.get(self._number[place])) is not None:
            self._link(answer)
        self._link(place)

    def _unlink(self, place: int) -> None:
        self._next[self._previous[place]] = self._next[place]
        self._previous[self._next[place]] = self._previous[place]

    def _link(self, place: int) -> None:
        self._next[self._previous[place]] = place
        self._previous[self._next[place]] = place
