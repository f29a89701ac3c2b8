"""Who the sample people are and, from how each was made, whether they may be sent to: the gate's judge."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

from registry.exchange.names import NameStock
from registry.exchange.names.english import ENGLISH
from registry.exchange.names.latvian import LATVIAN
from registry.exchange.names.polish import POLISH
from registry.exchange.names.russian import RUSSIAN

Standing = Literal["subscribed", "unsubscribed", "cleaned"]
Evidence = Literal["full", "none", "confirmed_only", "time_only", "address_only"]

# Gravest first, as the gate's rule table has them; sample people meet these only.
RULE_ORDER = ("address.dead", "address.suppressed", "consent.unknown_origin")
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(2026, 10, 31, tzinfo=UTC)
_SPAN = int((LAST_DAY - FIRST_DAY).total_seconds()) - 14 * 86_400

_LANGUAGES: tuple[NameStock, ...] = (POLISH, POLISH, POLISH, LATVIAN, LATVIAN, RUSSIAN, ENGLISH)
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya".split(),  # noqa: SIM905  # legible so
        strict=True,
    )
)


@dataclass(slots=True)
class Holding:
    """One row of the export: one person at one address."""

    address: str
    standing: Standing = "subscribed"
    evidence: Evidence = "full"
    opted_in: datetime | None = None
    confirmed: datetime | None = None
    left: datetime | None = None
    origin: str = ""
    written_twice: bool = False
    spoilt_evidence: bool = False

    @property
    def verified_at(self) -> datetime:
        return self.confirmed or self.opted_in or FIRST_DAY


@dataclass(slots=True)
class Person:
    """One sample person with every address that the export gives them."""

    external_id: str | None
    first_name: str
    last_name: str
    city: str
    stock: NameStock
    holdings: list[Holding] = field(default_factory=list)


def reason_at(holding: Holding, sharers: list[Person]) -> str | None:
    """Why nothing may go to this person at this address, or None; a "no" binds all who share the address."""
    standings = {
        other.standing
        for person in sharers
        for other in person.holdings
        if other.address.casefold() == holding.address.casefold()
    }
    if "cleaned" in standings:
        return "address.dead"
    if "unsubscribed" in standings:
        return "address.suppressed"
    return None if holding.evidence == "full" else "consent.unknown_origin"


def truth_of(person: Person, sharers: list[Person]) -> tuple[str | None, str | None]:
    """(address to send to, reason against): the permitted address verified last, or the reason latest in order."""
    reasons = [(holding, reason_at(holding, sharers)) for holding in person.holdings]
    permitted = [holding for holding, reason in reasons if reason is None]
    if permitted:
        return max(permitted, key=lambda holding: holding.verified_at).address.lower(), None
    return None, max((reason for _, reason in reasons if reason), key=RULE_ORDER.index)


def units(people: int, seed: int) -> Iterator[list[Person]]:
    """Persons in groups that share addresses (most groups are one person), exactly `people` in all."""
    random = Random(f"zgoda sample {seed}")
    made = 0
    while made < people:
        draw = random.random()
        if draw < 0.10 and people - made >= 2:
            unit = _household(random, made)
        elif draw < 0.18:
            unit = [_two_addresses(random, made)]
        else:
            unit = [_alone(random, made)]
        made += len(unit)
        yield unit


def latin(name: str) -> str:
    """A name as it stands in the local part of an address: ASCII letters only."""
    plain = "".join(_CYRILLIC.get(letter, letter) for letter in name.lower()).replace("ł", "l")
    folded = unicodedata.normalize("NFKD", plain)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalpha())


def _person(random: Random, number: int, stock: NameStock, woman: bool, surname: tuple[str, str]) -> Person:
    first = random.choice(stock.women if woman else stock.men)
    last = surname[0] if woman else surname[1]
    return Person(f"C{number + 1:07d}", first, last, random.choice(stock.cities), stock)


def _anyone(random: Random, number: int) -> Person:
    stock = random.choice(_LANGUAGES)
    return _person(random, number, stock, random.random() < 0.52, random.choice(stock.surnames))


def _address(random: Random, person: Person, mark: str) -> str:
    """An address that no other mark gives, also when case, dots and plus-tag are put aside."""
    joint = random.choice((".", ".", ""))
    local = f"{latin(person.first_name)}{joint}{latin(person.last_name)}{mark}".lstrip(".")
    if random.random() < 0.03:
        local += "+" + random.choice(("shop", "news", "newsletter"))
    return f"{local}@{random.choice(person.stock.domains)}"


def _spelling(random: Random, address: str) -> str:
    """The same address as people type it: sometimes in other case."""
    draw = random.random()
    if draw < 0.04:
        return address.upper()
    if draw < 0.12:
        return address.title()
    return address


def _hold(random: Random, address: str, standing: Standing, evidence: Evidence) -> Holding:
    holding = Holding(_spelling(random, address), standing, evidence)
    opted_in = FIRST_DAY + timedelta(seconds=random.randrange(_SPAN))
    if evidence in ("full", "time_only"):
        holding.opted_in = opted_in
    if evidence in ("full", "address_only"):
        holding.origin = _internet_address(random)
    if evidence == "confirmed_only" or (evidence == "full" and random.random() < 0.5):
        holding.confirmed = opted_in + timedelta(seconds=random.randrange(20, 172_800))
    if standing == "cleaned" or (standing == "unsubscribed" and random.random() < 0.75):
        holding.left = _later(random, opted_in)
    holding.spoilt_evidence = standing == "unsubscribed" and random.random() < 0.1
    return holding


def _later(random: Random, start: datetime) -> datetime:
    first = start + timedelta(days=3)
    return first + timedelta(seconds=random.randrange(max(1, int((LAST_DAY - first).total_seconds()))))


def _internet_address(random: Random) -> str:
    """From the ranges that RFC 5737 and RFC 3849 keep for documentation."""
    if random.random() < 0.15:
        return f"2001:db8:{random.randrange(65536):x}::{random.randrange(1, 65536):x}"
    net = random.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{net}.{random.randrange(1, 255)}"


def _lot(random: Random) -> tuple[Standing, Evidence]:
    """Standing and evidence of one row, in about the shares of a real audience."""
    draw = random.random()
    standing: Standing = "unsubscribed" if draw < 0.11 else "cleaned" if draw < 0.16 else "subscribed"
    draw = random.random()
    if draw < 0.84:
        return standing, "full"
    if draw < 0.92:
        return standing, "none"
    if draw < 0.96:
        return standing, "confirmed_only"
    return standing, "time_only" if draw < 0.985 else "address_only"


def _alone(random: Random, number: int) -> Person:
    person = _anyone(random, number)
    if random.random() < 0.05:
        person.external_id = None
    if random.random() < 0.02:
        person.first_name = ""
    standing, evidence = _lot(random)
    holding = _hold(random, _address(random, person, str(number)), standing, evidence)
    holding.written_twice = random.random() < 0.02
    person.holdings.append(holding)
    return person


def _two_addresses(random: Random, number: int) -> Person:
    """One CUSTOMER_ID in two rows; the two are never verified at the same second."""
    person = _anyone(random, number)
    for mark in (f"{number}", f"{number}.b"):
        holding = _hold(random, _address(random, person, mark), *_lot(random))
        while any(other.verified_at == holding.verified_at != FIRST_DAY for other in person.holdings):
            holding = _hold(random, holding.address, holding.standing, holding.evidence)
        person.holdings.append(holding)
    return person


def _household(random: Random, number: int) -> list[Person]:
    """Two persons at one address, each with evidence of their own; sometimes one of them has no id."""
    stock = random.choice(_LANGUAGES)
    surname = random.choice(stock.surnames)
    both = [_person(random, number + place, stock, place == 0, surname) for place in range(2)]
    address = _address(random, both[0], f"{number}")
    if random.random() < 0.1:
        both[1].external_id = None
    for person in both:
        person.holdings.append(_hold(random, address, *_lot(random)))
    return both
