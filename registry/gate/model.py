"""Questions, facts and decisions, as values. No framework, no session."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from registry.kit.clock import FAR_PAST, NEVER
from registry.kit.ids import new_id
from registry.policy.lists import stale_countries
from registry.policy.model import Basis, ChannelGround, PolicySet, Purpose, Subscriber, jurisdiction
from registry.policy.schedule import Part, clock_of, is_in_part, is_quiet
from registry.standing.model import GateState

_KNOWN_KINDS = (Subscriber.NATURAL, Subscriber.LEGAL)


class Outcome(StrEnum):
    PERMIT = "permit"
    DENY = "deny"
    DEFER = "defer"


PERMIT = "permit"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may look at. No defaults: a fact that nobody loaded is an error and never a yes."""

    contact_state: Any
    restricted_at: Any
    consented_at: Any
    valid_until: Any
    active_at: Any
    capped_until: Any
    address_state: Any
    suppressed: Any
    objected: Any
    consent: Any
    grade: Any
    notice_version: Any
    basis_facts: Any
    soft_opt_in: Any
    parental: Any
    listed: Any
    clock: Any
    jurisdiction: Any

    def __post_init__(self) -> None:
        for fact in fields(self):
            if getattr(self, fact.name) is None:
                raise ValueError(f"the fact {fact.name} was not loaded")

    @classmethod
    def of(cls, row: GateState) -> "Facts":
        return cls(**{fact.name: getattr(row, fact.name) for fact in fields(cls)})


@dataclass(frozen=True, slots=True)
class OneOf:
    """Membership in a set of numbers, for values and for columns alike."""

    values: frozenset[int]

    def __contains__(self, _: object) -> bool:
        raise TypeError("write `moment.some_set.lacks(fact)`: `in` cannot become SQL")

    def holds(self, fact: Any) -> Any:
        """Whether `fact` is one of the values: a bool for a number, an expression for a column."""
        return fact.in_(sorted(self.values)) if hasattr(fact, "in_") else fact in self.values

    def lacks(self, fact: Any) -> Any:
        """Whether `fact` is none of the values."""
        return fact.not_in(sorted(self.values)) if hasattr(fact, "not_in") else fact not in self.values


@dataclass(frozen=True, slots=True)
class Moment:
    """A policy at an instant: the thresholds that rules compare facts with."""

    at: datetime
    given_after: datetime
    active_after: datetime
    least_grade: int
    least_notice: int
    soft_opt_in: OneOf
    exempt: OneOf
    quiet: OneOf
    untimely: OneOf

    @classmethod
    def of(cls, policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> "Moment":
        """Work the thresholds out for one purpose and channel."""
        given_after = FAR_PAST
        if purpose.valid_for_days is not None:
            given_after = at - timedelta(days=purpose.valid_for_days)
        active_after = NEVER
        if purpose.inactive_after_days is not None:
            active_after = at - timedelta(days=purpose.inactive_after_days)
        return cls(
            at=at,
            given_after=given_after,
            active_after=active_after,
            least_grade=int(purpose.least_grade),
            least_notice=purpose.least_notice_version,
            soft_opt_in=_where(policies, purpose, channel, ChannelGround.SOFT_OPT_IN, at.date()),
            exempt=_exempt(policies, purpose, channel, at),
            quiet=_quiet(policies, purpose, channel, at),
            untimely=_untimely(policies, purpose, at),
        )


def _where(policies: PolicySet, purpose: Purpose, channel: str, ground: ChannelGround, day: date) -> OneOf:
    """The jurisdictions where the national rule and the purpose both allow this ground; unknown is never in."""
    if ground not in purpose.grounds:
        return _NOWHERE
    # Worked out once a day: the rules are kept beside the answer, so their identity stands for them.
    key = (id(policies.eprivacy), channel, ground, day)
    found = _PLACES.get(key)
    if found is None:
        countries = {rule.country for rule in policies.eprivacy if rule.channel == channel}
        places = OneOf(
            frozenset(
                jurisdiction(country, kind)
                for country in countries
                for kind in _KNOWN_KINDS
                if ground in policies.channel_grounds(country, channel, kind, day)
            )
        )
        if len(_PLACES) >= 1000:
            _PLACES.clear()
        found = _PLACES[key] = (policies.eprivacy, places)
    return found[1]


def _exempt(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> OneOf:
    """Where a national exemption carries: not where a list that must be looked at is too old or was never imported."""
    places = _where(policies, purpose, channel, ChannelGround.EXEMPTION, at.date())
    if not places.values:
        return places
    stale = stale_countries(policies.lists.values(), policies.list_imports, channel, at)
    return OneOf(places.values - {jurisdiction(country, kind) for country in stale for kind in _KNOWN_KINDS})


def clocks(policies: PolicySet, purpose: Purpose) -> dict[int, str]:
    """Time zones by number; 0 is the controller's own, for whoever's is not known."""
    own = policies.controllers[purpose.controller].time_zone
    return {0: own, **{number: name for name, number in policies.zone_ids.items()}}


def _quiet(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> OneOf:
    """The clocks by which it is quiet now, with each part of the day that somebody may prefer."""
    hours = tuple(policies.schedule.of_channel(channel, purpose.class_))
    if not hours:
        return _NOWHERE
    return _at_minute(
        (channel, purpose.class_), policies, purpose, at, lambda name, _: is_quiet(hours, name, at)
    )


def _untimely(policies: PolicySet, purpose: Purpose, at: datetime) -> OneOf:
    """The clocks and preferred parts of the day where that part is not now."""
    if not purpose.is_marketing:
        return _NOWHERE
    return _at_minute(("part",), policies, purpose, at, lambda name, part: not is_in_part(part, name, at))


def _at_minute(
    what: tuple[str, ...],
    policies: PolicySet,
    purpose: Purpose,
    at: datetime,
    holds: Callable[[str, Part], bool],
) -> OneOf:
    """Where `holds` now, of all clocks and parts; worked out once a minute."""
    key = (id(policies), what, purpose.controller, at.replace(second=0, microsecond=0))
    found = _MINUTES.get(key)
    if found is None:
        places = OneOf(
            frozenset(
                clock_of(number, part)
                for number, name in clocks(policies, purpose).items()
                for part in Part
                if holds(name, part)
            )
        )
        if len(_MINUTES) >= 1000:
            _MINUTES.clear()
        # The policies are kept beside the answer, so their identity stands for them.
        found = _MINUTES[key] = (policies, places)
    return found[1]


_MINUTES: dict[tuple[int, tuple[str, ...], str, datetime], tuple[object, OneOf]] = {}
_NOWHERE = OneOf(frozenset())
_PLACES: dict[tuple[int, str, ChannelGround, date], tuple[object, OneOf]] = {}


class Question(NamedTuple):
    """May this person be processed for this purpose on this channel? Without an address: by the best of them."""

    contact_id: UUID
    purpose: str
    channel: str
    assignment_id: UUID | None = None


# A struct is made seven times as fast as a frozen dataclass of so many fields, and there is one for every check.
class Decision(msgspec.Struct, frozen=True):
    """An answer with what it rests on."""

    contact_id: UUID
    purpose: str
    channel: str
    outcome: Outcome
    reason: str
    basis: Basis | None
    channel_ground: ChannelGround | None
    identifier: UUID | None
    evidence: UUID | None
    policy: str | None
    as_of: datetime
    not_before: datetime | None = None
    id: UUID = msgspec.field(default_factory=new_id)

    @property
    def permitted(self) -> bool:
        return self.outcome is Outcome.PERMIT
