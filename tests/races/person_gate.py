"""The sequential model of one person's gate: what each answer would have been, had everybody stood in one line.

It knows nothing of locks, statements or tables. A hand-off is two steps, its beginning and its end, and no "no" has
a place between them: so an order exists only if nothing begins or ends after a "no" was acknowledged.
Instants within it are those that the database gave (microseconds), and say which grants count.
"""

from dataclasses import dataclass
from typing import NamedTuple

NOBODY: frozenset[str] = frozenset()


class Gate(NamedTuple):
    """Where a person stands for one purpose at one address."""

    # The latest act of consent that counts, 0 for none; the latest "no" of the person; of the address; a restriction.
    given_at: int = 1
    no_at: int = 0
    refused_at: int = 0
    restricted_at: int = 0
    dead: bool = False
    erased: bool = False
    # Another record of the same person stands beside this one, and what it said counts.
    merged: bool = False
    other_no: bool = False
    # Permits that can be redeemed; those that were; messages on the wire.
    open: frozenset[str] = NOBODY
    redeemed: frozenset[str] = NOBODY
    wire: frozenset[str] = NOBODY

    @property
    def permitted(self) -> bool:
        consented = self.given_at > max(self.refused_at, self.restricted_at)
        return (
            consented and not self.dead and not self.erased and not (self.merged and self.other_no)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """Which permits the answer to a "no" names: void since, and redeemed before."""

    voided: frozenset[str]
    in_flight: frozenset[str]


def _no(before: Gate, after: Gate, told: Told) -> Gate | None:
    """A "no" in force: nothing is on its way out, and what was open is named, and void."""
    if before.erased or before.wire or (told.voided, told.in_flight) != (before.open, before.redeemed):
        return None
    return after._replace(open=NOBODY)


@dataclass(frozen=True, slots=True)
class Grant:
    """The person agrees at first hand, at that address; it counts if it was acted after every "no" to it."""

    acted_at: int

    def step(self, state: Gate) -> Gate | None:
        if state.erased:
            return None
        if self.acted_at <= state.no_at:
            return state
        return state._replace(given_at=max(state.given_at, self.acted_at))


@dataclass(frozen=True, slots=True)
class No:
    """A withdrawal, refusal or objection of the person; with `of_address` also the address's own."""

    at: int
    told: Told
    of_address: bool = False

    def step(self, state: Gate) -> Gate | None:
        refused_at = max(state.refused_at, self.at) if self.of_address else state.refused_at
        after = state._replace(given_at=0, no_at=max(state.no_at, self.at), refused_at=refused_at)
        return _no(state, after, self.told)


@dataclass(frozen=True, slots=True)
class Suppress:
    """Somebody else who has the address says no there: it binds this person too, until a later grant of theirs."""

    at: int
    told: Told

    def step(self, state: Gate) -> Gate | None:
        if state.erased:
            # The address outlives the person.
            return state if not self.told.voided else None
        return _no(state, state._replace(refused_at=max(state.refused_at, self.at)), self.told)


@dataclass(frozen=True, slots=True)
class Restrict:
    """A restriction of processing: what the person agrees to later is free of it."""

    at: int
    told: Told

    def step(self, state: Gate) -> Gate | None:
        return _no(state, state._replace(restricted_at=max(state.restricted_at, self.at)), self.told)


@dataclass(frozen=True, slots=True)
class Bury:
    """The address is dead."""

    told: Told

    def step(self, state: Gate) -> Gate | None:
        if state.erased:
            return state if not self.told.voided else None
        return _no(state, state._replace(dead=True), self.told)


@dataclass(frozen=True, slots=True)
class Erase:
    """The person is erased, for good."""

    told: Told
    already: bool = False

    def step(self, state: Gate) -> Gate | None:
        if state.erased or self.already:
            return state if state.erased and self.already else None
        return _no(state, state._replace(erased=True), self.told)


@dataclass(frozen=True, slots=True)
class Merge:
    """Another record turns out to be this person's; `other_no`: it had said no.

    A restriction of the person is one of the other record too, since when it began: `restricted_at`, 0 for none.
    """

    told: Told
    other_no: bool
    restricted_at: int = 0

    def step(self, state: Gate) -> Gate | None:
        if state.merged or self.restricted_at != state.restricted_at:
            return None
        return _no(state, state._replace(merged=True, other_no=self.other_no), self.told)


@dataclass(frozen=True, slots=True)
class Gone:
    """An act about a person who is not there any more."""

    act: str

    def step(self, state: Gate) -> Gate | None:
        return state if state.erased else None


@dataclass(frozen=True, slots=True)
class Begin:
    """The first byte of a message goes to the relay."""

    message: str

    def step(self, state: Gate) -> Gate | None:
        return state._replace(wire=state.wire | {self.message}) if state.permitted else None


@dataclass(frozen=True, slots=True)
class End:
    """The relay has answered for the message."""

    message: str

    def step(self, state: Gate) -> Gate | None:
        return state._replace(wire=state.wire - {self.message}) if self.message in state.wire else None


@dataclass(frozen=True, slots=True)
class Blocked:
    """A message is not handed over."""

    message: str
    reason: str

    def step(self, state: Gate) -> Gate | None:
        return None if state.permitted else state


@dataclass(frozen=True, slots=True)
class Check:
    """Somebody asks the gate."""

    permitted: bool
    reason: str

    def step(self, state: Gate) -> Gate | None:
        return state if state.permitted is self.permitted else None


@dataclass(frozen=True, slots=True)
class Issue:
    """An engine outside asks for a permit, and gets one or not."""

    permit: str | None
    reason: str

    def step(self, state: Gate) -> Gate | None:
        if self.permit is None:
            return None if state.permitted else state
        return state._replace(open=state.open | {self.permit}) if state.permitted else None


@dataclass(frozen=True, slots=True)
class Redeem:
    """The engine redeems it at the moment of sending."""

    permit: str
    granted: bool
    reason: str

    def step(self, state: Gate) -> Gate | None:
        good = state.permitted and self.permit in state.open
        if good is not self.granted:
            return None
        redeemed = state.redeemed | {self.permit} if good else state.redeemed
        return state._replace(open=state.open - {self.permit}, redeemed=redeemed)
