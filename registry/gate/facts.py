"""The rule table as SQL over `gate_state`: the one source of every live answer (see `audience` for a whole base)."""

from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from registry.gate import rules
from registry.gate.expressions import FALSE, TRUE, Expression, case, column, instant, text_of
from registry.gate.model import PERMIT, Facts, Moment
from registry.gate.rules import Rule
from registry.kit.clock import FAR_PAST
from registry.policy.model import PolicySet, Purpose
from registry.standing.model import Consent


class Statement(NamedTuple):
    """SQL text with named parameters."""

    text: str
    params: dict[str, Any]


class Scope(NamedTuple):
    """All that the text of a statement depends on: the rules, the scope, and the moment without its instants."""

    rules: tuple[Rule, ...]
    purpose_id: int
    channel_id: int
    moment: Moment


def scope_of(policies: PolicySet, purpose: Purpose, channel: str, moment: Moment) -> Scope:
    """The scope of a question at an instant; the instant itself goes with `instants`."""
    timeless = replace(moment, at=FAR_PAST, given_after=FAR_PAST, active_after=FAR_PAST)
    numbers = policies.purpose_ids[purpose.id], policies.channel_ids[channel]
    return Scope(rules.table(purpose), *numbers, timeless)


def columns() -> Facts:
    """The facts as the columns that hold them: what turns a rule's condition into SQL."""
    return Facts(**{field.name: column(field.name) for field in fields(Facts)})


class Known(int):
    """A fact whose value a WHEN has tested already: what a rule asks about it is decided here, not row by row."""

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> Any:
        return TRUE if int(self) == other else FALSE

    def __ne__(self, other: object) -> Any:
        return FALSE if int(self) == other else TRUE


def code_of(scope: Scope, *, given_first: bool = False) -> str:
    """The code of the reason as one CASE.

    With `given_first` those who have consented are asked less: the same rules without what their consent decides.
    That is of use over a whole base and costs a short statement more than it saves.
    """
    facts = columns()
    every = _case(scope, facts)
    if given_first and any(rule.reason == "consent.missing" for rule in scope.rules):
        given = _case(scope, replace(facts, consent=Known(Consent.GIVEN)))
        every = case([(facts.consent == Consent.GIVEN, given)], every)
    return text_of(every)


def _case(scope: Scope, facts: Facts) -> Expression:
    """The rules in order: the permit is the last WHEN, and ELSE is a deny."""
    moment = replace(scope.moment, **{name: instant(name) for name in instants(scope.moment)})
    whens = [(rule.condition(facts, moment), rules.CODES[rule.reason]) for rule in scope.rules]
    made: Expression = case([*whens, permitting(facts)], rules.FALLEN_THROUGH)
    return made


def permitting(facts: Facts) -> tuple[Expression, int]:
    """Every fact in its range: what no rule refused is a permit only if it is something we know."""
    return (facts.contact_state == 0) & (facts.address_state == 1), rules.CODES[PERMIT]


def within(purpose_id: int, channel_id: int) -> str:
    """The rows about the purpose and channel."""
    return text_of((column("purpose_id") == purpose_id) & (column("channel_id") == channel_id))


def asked(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, *, keyed: bool = False
) -> Statement:
    """Answers for the persons in the arrays `contacts` and `assignments` (nil: the best address), in order.

    Rows: state (gate row, null when unknown), code, assignment_id, evidence, soft_opt_in, jurisdiction,
    clock, capped_until (null when past); with `keyed` also epoch and wrapped, the person's keys, which
    spares who logs the answers a second statement.
    The best address is the permitted one verified last; else that whose reason comes latest.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _asked_text(scope_of(policies, purpose, channel, moment), keyed)
    return Statement(text, instants(moment))


def instants(moment: Moment) -> dict[str, Any]:
    """What changes from one question to the next."""
    return {"at": moment.at, "given_after": moment.given_after, "active_after": moment.active_after}


@lru_cache(maxsize=512)
def _asked_text(scope: Scope, keyed: bool) -> str:
    inner = (
        f"SELECT {code_of(scope)} AS code, gate_state.assignment_id, gate_state.evidence, gate_state.soft_opt_in,"
        " gate_state.jurisdiction, gate_state.clock, gate_state.capped_until, gate_state.verified_at"
        f" FROM gate_state WHERE {within(scope.purpose_id, scope.channel_id)}"
    )
    return (
        "SELECT r.state, g.code, g.assignment_id, g.evidence, g.soft_opt_in, g.jurisdiction, g.clock,"
        # Of use only while it lasts.
        " CASE WHEN g.capped_until > %(at)s THEN g.capped_until END AS capped_until"
        f"{', k.epoch, k.wrapped' if keyed else ''}"
        " FROM unnest(%(contacts)b::uuid[], %(assignments)b::uuid[]) WITH ORDINALITY AS q(contact, assignment, n)"
        " LEFT JOIN gate_row r ON r.subject_id = q.contact"
        f"{' LEFT JOIN person_key k ON k.contact_id = q.contact' if keyed else ''}"
        f" LEFT JOIN LATERAL ({inner} AND gate_state.contact_id = coalesce(r.merged_into, q.contact)"
        " AND (q.assignment = '00000000-0000-0000-0000-000000000000' OR gate_state.assignment_id = q.assignment)"
        " ORDER BY code DESC, verified_at DESC, assignment_id LIMIT 1) g ON true ORDER BY q.n"
    )
