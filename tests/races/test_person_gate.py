"""The model of one person's gate says what the promise means: legal histories by hand, and every kind of wrong one."""

import pytest

from tests.races.linearizability import Operation, check
from tests.races.person_gate import (
    Begin,
    Blocked,
    Bury,
    Check,
    End,
    Erase,
    Gate,
    Gone,
    Grant,
    Issue,
    Merge,
    No,
    Redeem,
    Restrict,
    Suppress,
    Told,
)

NOTHING = Told(frozenset(), frozenset())


def told(voided=(), in_flight=()):
    return Told(frozenset(voided), frozenset(in_flight))


def at(call, invoked, responded=None):
    return Operation(call, invoked, invoked if responded is None else responded)


def no(told=NOTHING, when=100):
    return No(when, told)


def mail(begun, ended, message="m"):
    return [at(Begin(message), begun), at(End(message), ended)]


LEGAL = {
    "a mail, and then the no": [*mail(1, 2), at(no(), 3, 4)],
    "the no waited for the mail": [*mail(2, 5), at(no(), 1, 6)],
    "the mail was stopped": [at(no(), 1, 4), at(Blocked("m", "consent.withdrawn"), 2, 6)],
    "the mail was stopped by a no that nobody had been told of yet": [
        at(Blocked("m", "consent.withdrawn"), 2, 3), at(no(), 1, 9),
    ],
    "a no, a later yes, a mail": [at(no(), 1, 2), at(Grant(200), 3, 4), *mail(5, 6)],
    "a yes from before the no changes nothing": [
        at(no(when=300), 1, 2), at(Grant(200), 3, 4), at(Blocked("m", "consent.withdrawn"), 5, 6),
    ],
    "what the person agrees to after a restriction is free of it": [
        at(Restrict(100, NOTHING), 1, 2), at(Grant(200), 3, 4), *mail(5, 6),
    ],
    "the no of a sharer is lifted by the person's own later yes": [
        at(Suppress(100, NOTHING), 1, 2), at(Check(False, ""), 3, 4), at(Grant(200), 5, 6), *mail(7, 8),
    ],
    "two mails, one after the other": [*mail(1, 2, "m"), *mail(3, 4, "n"), at(no(), 5, 6)],
    "a permit that is open is named": [at(Issue("p", ""), 1, 2), at(no(told(["p"])), 3, 4)],
    "a permit that was redeemed is named as in flight": [
        at(Issue("p", ""), 1, 2), at(Redeem("p", True, ""), 3, 4), at(no(told((), ["p"])), 5, 6),
    ],
    "of two at once either may be first": [
        at(Issue("p", ""), 1, 2), at(Redeem("p", False, "permit.voided"), 3, 9), at(no(told(["p"])), 3, 9),
    ],
    "a permit is redeemed once": [
        at(Issue("p", ""), 1, 2), at(Redeem("p", True, ""), 3, 4), at(Redeem("p", False, ""), 5, 6),
    ],
    "a record that never said no takes nothing away": [at(Merge(NOTHING, False), 1, 2), *mail(3, 4)],
    "a merge leaves a yes be that came after the restriction": [
        at(Restrict(100, NOTHING), 1, 2), at(Grant(200), 3, 4), at(Merge(NOTHING, False, 100), 5, 6), *mail(7, 8),
    ],
    "an act about somebody erased meanwhile": [at(Erase(NOTHING), 1, 5), at(Gone("grant"), 2, 3)],
    "an address outlives the person": [at(Erase(NOTHING), 1, 2), at(Suppress(5, NOTHING), 3, 4)],
    "an erasure that was asked for twice": [at(Erase(NOTHING), 1, 4), at(Erase(NOTHING, True), 2, 5)],
}  # fmt: skip
ILLEGAL = {
    "a mail begins after the no was acknowledged": [at(no(), 1, 2), *mail(3, 4)],
    "a mail ends after the no was acknowledged": [*mail(1, 4), at(no(), 2, 3)],
    "a mail begins while the no is on its way and ends after": [*mail(2, 5), at(no(), 1, 4)],
    "a mail is stopped though nobody said no": [at(Blocked("m", "consent.withdrawn"), 1, 2)],
    "a mail is stopped before anybody said no": [at(Blocked("m", ""), 1, 2), at(no(), 3, 4)],
    "a check says yes after the no was acknowledged": [at(no(), 1, 2), at(Check(True, ""), 3, 4)],
    "a no is lost when all is quiet": [at(no(), 1, 2), at(Blocked("m", ""), 3, 4), at(Check(True, ""), 5, 6)],
    "a yes is lost": [at(no(), 1, 2), at(Grant(200), 3, 4), at(Check(False, ""), 5, 6)],
    "a yes from before the no revives it": [at(no(when=300), 1, 2), at(Grant(200), 3, 4), *mail(5, 6)],
    "a yes lifts a restriction that came after it": [
        at(Restrict(300, NOTHING), 1, 2), at(Grant(200), 3, 4), *mail(5, 6),
    ],
    "a yes lifts a dead address": [at(Bury(NOTHING), 1, 2), at(Grant(200), 3, 4), *mail(5, 6)],
    "a yes lifts the no of the person's other record": [
        at(Merge(NOTHING, True), 1, 2), at(Grant(200), 3, 4), *mail(5, 6),
    ],
    "a merge makes a restriction younger than it is": [
        at(Restrict(100, NOTHING), 1, 2), at(Merge(NOTHING, False, 300), 3, 4),
    ],
    "a merge loses a restriction": [at(Restrict(100, NOTHING), 1, 2), at(Merge(NOTHING, False), 3, 4)],
    "a mail to somebody who was erased": [at(Erase(NOTHING), 1, 2), *mail(3, 4)],
    "somebody is gone who was not erased": [at(Gone("grant"), 1, 2)],
    "somebody is erased twice": [at(Erase(NOTHING), 1, 2), at(Erase(NOTHING), 3, 4)],
    "an open permit is not named": [at(Issue("p", ""), 1, 2), at(no(), 3, 4)],
    "a redeemed permit is named by nobody": [
        at(Issue("p", ""), 1, 2), at(Redeem("p", True, ""), 3, 9), at(no(), 3, 9),
    ],
    "a permit is redeemed after the no": [
        at(Issue("p", ""), 1, 2), at(no(told(["p"])), 3, 4), at(Redeem("p", True, ""), 5, 6),
    ],
    "an old permit is redeemed after a no and a later yes": [
        at(Issue("p", ""), 1, 2), at(no(told(["p"])), 3, 4), at(Grant(200), 5, 6), at(Redeem("p", True, ""), 7, 8),
    ],
    "a permit is redeemed twice": [
        at(Issue("p", ""), 1, 2), at(Redeem("p", True, ""), 3, 9), at(Redeem("p", True, ""), 3, 9),
    ],
    "a good permit is refused": [at(Issue("p", ""), 1, 2), at(Redeem("p", False, ""), 3, 4)],
    "a permit is issued after the no": [at(no(), 1, 2), at(Issue("p", ""), 3, 4)],
    "a permit is refused though nobody said no": [at(Issue(None, "consent.withdrawn"), 1, 2)],
}  # fmt: skip


@pytest.mark.parametrize("name", LEGAL)
def test_has_an_order(name) -> None:
    assert check(Gate(), LEGAL[name]).linearizable


@pytest.mark.parametrize("name", ILLEGAL)
def test_has_none(name) -> None:
    assert not check(Gate(), ILLEGAL[name]).linearizable


@pytest.mark.parametrize(
    "taking",
    [
        no(),
        No(100, NOTHING, of_address=True),
        Restrict(100, NOTHING),
        Suppress(100, NOTHING),
        Bury(NOTHING),
        Erase(NOTHING),
        Merge(NOTHING, True),
    ],
)
def test_no_mail_is_on_the_wire_at_a_no_of_any_kind(taking) -> None:
    assert check(Gate(), [*mail(1, 2), at(taking, 2, 9)]).linearizable
    assert not check(Gate(), [*mail(1, 9), at(taking, 2, 5)]).linearizable
    assert not check(Gate(), [at(taking, 1, 2), *mail(3, 4)]).linearizable
    assert not check(Gate(), [at(taking, 1, 2), at(Check(True, ""), 3, 4)]).linearizable
