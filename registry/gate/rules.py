"""The rule table: one ordered list, gravest first; the first rule that holds is the reason, none is a permit.

A condition is written once and read twice: on values in Python and on columns in SQL. So it may only compare and
join comparisons by `&` and `|`; a probe runs over every rule at import and refuses everything else.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from registry.gate.model import PERMIT, Facts, Moment, OneOf
from registry.kit.clock import NEVER
from registry.policy.model import Basis, Purpose, PurposeClass
from registry.standing.model import AddressState, Consent, ContactState, Mark, Parental

# Reasons that end by themselves: the answer is "later", and says when.
DEFERRING = frozenset({"schedule.quiet_hours", "schedule.preferred_time", "frequency.cap_reached"})

MARKETING = frozenset({PurposeClass.MARKETING})
MARKETING_AND_SERVICE = frozenset({PurposeClass.MARKETING, PurposeClass.SERVICE})
WITH_FACTS = frozenset({PurposeClass.MARKETING, PurposeClass.SERVICE, PurposeClass.REQUESTED})
ALL = frozenset(PurposeClass)


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to refuse, the classes of purpose it stops, and when it holds."""

    reason: str
    classes: frozenset[PurposeClass]
    condition: Callable[[Any, Any], Any]
    article: str


# Told before any fact is read: there is nothing to compare.
BEFORE_FACTS = ("contact.unknown", "contact.ambiguous", "purpose.unknown", "channel.unknown")

_ERASED = Rule("contact.erased", ALL, lambda f, m: f.contact_state == ContactState.ERASED, "GDPR art. 17")
_ADDRESS = (
    Rule("address.missing", ALL, lambda f, m: f.address_state == AddressState.MISSING, "GDPR art. 5(1)(d)"),
    Rule("address.dead", ALL, lambda f, m: f.address_state == AddressState.DEAD, "GDPR art. 5(1)(d)"),
)


def _no_consent(f: Any, m: Any) -> Any:
    """No consent for this channel and address that is as good as a purpose resting on consent would ask for."""
    return (
        (f.consent != Consent.GIVEN)
        | (f.grade < m.least_grade)
        | (f.consented_at <= m.given_after)
        | (f.active_at <= m.active_after)
        | (f.notice_version < m.least_notice)
        | (f.parental == Parental.NONE)
    )


def _restricted(f: Any, m: Any) -> Any:
    return (f.restricted_at >= f.consented_at) | ((f.restricted_at > NEVER) & _no_consent(f, m))


def _suppressed(f: Any, m: Any) -> Any:
    return (f.suppressed == Mark.YES) | ((f.suppressed == Mark.LIFTED) & _no_consent(f, m))


def _objected(f: Any, m: Any) -> Any:
    return (f.objected == Mark.YES) | ((f.objected == Mark.LIFTED) & _no_consent(f, m))


# A restricted person's data is used only with that person's consent, given since (art. 18(2)). A "no" that a consent
# lifted stays lifted while that consent is good; a purpose that rests on consent asks this by `CONSENT` anyway.
PERSON_BY_CONSENT = (
    _ERASED,
    Rule(
        "contact.restricted",
        MARKETING_AND_SERVICE,
        lambda f, m: f.restricted_at >= f.consented_at,
        "GDPR art. 18",
    ),
    *_ADDRESS,
    # Whoever took back a yes at an address took it back for whoever has the address, whatever the class.
    Rule("address.suppressed", ALL, lambda f, m: f.suppressed == Mark.YES, "GDPR art. 7(3)"),
    Rule("purpose.objected", MARKETING, lambda f, m: f.objected == Mark.YES, "GDPR art. 21(3)"),
)
_PERSON = (_ERASED, Rule("contact.restricted", MARKETING_AND_SERVICE, _restricted, "GDPR art. 18"), *_ADDRESS)
# An objection to direct marketing is absolute (art. 21(2), (3)); another stops what rests on an interest (21(1)).
PERSON = (
    *_PERSON,
    Rule("address.suppressed", MARKETING, _suppressed, "GDPR art. 21(3)"),
    Rule("purpose.objected", MARKETING, _objected, "GDPR art. 21(3)"),
)
PERSON_BY_INTEREST = (
    *_PERSON,
    Rule("address.suppressed", ALL, _suppressed, "GDPR art. 21(1)"),
    Rule("purpose.objected", ALL, _objected, "GDPR art. 21(1)"),
)
CONSENT = (
    Rule("consent.missing", ALL, lambda f, m: f.consent == Consent.MISSING, "GDPR art. 6(1)(a)"),
    Rule("consent.unknown_origin", ALL, lambda f, m: f.consent == Consent.UNKNOWN_ORIGIN, "GDPR art. 7(1)"),
    Rule(
        "consent.evidence_too_weak",
        ALL,
        lambda f, m: (f.consent == Consent.GIVEN) & (f.grade < m.least_grade),
        "GDPR art. 7(1)",
    ),
    Rule("consent.refused", ALL, lambda f, m: f.consent == Consent.REFUSED, "GDPR art. 4(11)"),
    Rule("consent.withdrawn", ALL, lambda f, m: f.consent == Consent.WITHDRAWN, "GDPR art. 7(3)"),
    Rule("consent.unconfirmed", ALL, lambda f, m: f.consent == Consent.UNCONFIRMED, "GDPR art. 7(1)"),
    # Its term is over, or nothing was heard of the person for the term of inactivity.
    Rule(
        "consent.expired",
        ALL,
        lambda f, m: (f.consented_at <= m.given_after) | (f.active_at <= m.active_after),
        "GDPR art. 5(1)(e)",
    ),
    Rule("consent.notice_outdated", ALL, lambda f, m: f.notice_version < m.least_notice, "GDPR art. 13(3)"),
    Rule("consent.parental_missing", ALL, lambda f, m: f.parental == Parental.NONE, "GDPR art. 8"),
)
FACTS = (
    Rule(
        "basis.facts_missing",
        WITH_FACTS,
        lambda f, m: (f.basis_facts == Mark.NO) | (f.valid_until <= m.at),
        "GDPR art. 6(1)",
    ),
)

CHANNEL = (
    # Who is on a list against advertising gets none that the person did not ask for.
    Rule(
        "address.listed",
        MARKETING,
        lambda f, m: (f.listed == Mark.YES) & _no_consent(f, m),
        "Directive 2002/58/EC art. 13(3); GDPR art. 21(2)",
    ),
    # Legitimate interest alone never permits electronic marketing: soft opt-in, a national exemption, or consent.
    Rule(
        "channel.ground_missing",
        MARKETING,
        lambda f, m: (
            ((f.soft_opt_in == Mark.NO) | m.soft_opt_in.lacks(f.jurisdiction))
            & m.exempt.lacks(f.jurisdiction)
            & _no_consent(f, m)
        ),
        "Directive 2002/58/EC art. 13",
    ),
)

COURTESY = (
    Rule(
        "schedule.quiet_hours",
        MARKETING_AND_SERVICE,
        lambda f, m: m.quiet.holds(f.clock),
        "national rules on the hours of calls and messages",
    ),
    Rule("schedule.preferred_time", MARKETING, lambda f, m: m.untimely.holds(f.clock), "GDPR art. 25(2)"),
    Rule("frequency.cap_reached", MARKETING, lambda f, m: f.capped_until > m.at, "GDPR art. 5(1)(a)"),
)

RULES: dict[Basis, tuple[Rule, ...]] = {
    # Consent for this channel and address is the channel's ground as well.
    Basis.CONSENT: PERSON_BY_CONSENT + CONSENT + COURTESY,
    Basis.CONTRACT: PERSON + FACTS + CHANNEL + COURTESY,
    Basis.LEGAL_OBLIGATION: PERSON + FACTS + CHANNEL + COURTESY,
    Basis.VITAL_INTERESTS: PERSON + FACTS + CHANNEL + COURTESY,
    Basis.PUBLIC_TASK: PERSON_BY_INTEREST + FACTS + CHANNEL + COURTESY,
    Basis.LEGITIMATE_INTERESTS: PERSON_BY_INTEREST + FACTS + CHANNEL + COURTESY,
}

# The order of all reasons: of several addresses that are all refused, the reason that comes latest is told.
ORDER: tuple[str, ...] = BEFORE_FACTS + tuple(
    dict.fromkeys(rule.reason for rule in PERSON + CONSENT + FACTS + CHANNEL + COURTESY)
)
CODES: dict[str, int] = {reason: code for code, reason in enumerate(ORDER, start=1)}
CODES[PERMIT] = 1000
REASONS: dict[int, str] = {code: reason for reason, code in CODES.items()}
# What SQL answers when no WHEN held: a fact out of its range, and so a deny.
FALLEN_THROUGH = 0
REASONS[FALLEN_THROUGH] = "contact.unknown"


def table(purpose: Purpose) -> tuple[Rule, ...]:
    """The rules that a purpose is under, in order."""
    return tuple(rule for rule in RULES[purpose.basis] if purpose.class_ in rule.classes)


def judge(purpose: Purpose, facts: Facts, moment: Moment) -> str:
    """The reason for a "no", or `permit`. Pure; the same table as SQL."""
    for rule in table(purpose):
        if rule.condition(facts, moment):
            return rule.reason
    # As in SQL, what no rule refused is a permit only if it is something we know.
    if facts.contact_state == ContactState.ACTIVE and facts.address_state == AddressState.CURRENT:
        return PERMIT
    return REASONS[FALLEN_THROUGH]


class _Probe:
    """Stands for a column: whatever could not become SQL fails on it."""

    def _compared(self, _: object) -> "_Probe":
        return _Probe()

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _compared  # type: ignore[assignment]
    __and__ = __or__ = __rand__ = __ror__ = _compared
    __hash__ = None  # type: ignore[assignment]

    def in_(self, _: object) -> "_Probe":
        return _Probe()

    not_in = in_

    def __bool__(self) -> bool:
        raise TypeError("a rule may only compare, and join by & and |")

    __contains__ = __iter__ = __invert__ = None


def probe(rules: Iterable[Rule]) -> None:
    """Run every rule over operands that refuse `and`, `or`, `not`, `in`, `is` and `~`; TypeError names the rule."""
    columns = Facts(**{field.name: _Probe() for field in fields(Facts)})
    empty = OneOf(frozenset())
    thresholds: dict[str, Any] = {field.name: _Probe() for field in fields(Moment)}
    moment = Moment(
        **{**thresholds, "soft_opt_in": empty, "exempt": empty, "quiet": empty, "untimely": empty}
    )
    for rule in rules:
        try:
            result = rule.condition(columns, moment)
        except TypeError as error:
            raise TypeError(f"rule {rule.reason}: {error}") from error
        if not isinstance(result, _Probe):
            raise TypeError(f"rule {rule.reason}: the condition is not a comparison of facts")


def all_rules() -> Iterator[Rule]:
    """Every rule of every basis, once."""
    yield from dict.fromkeys(rule for rules in RULES.values() for rule in rules)


probe(all_rules())
