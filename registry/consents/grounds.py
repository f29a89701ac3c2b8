"""Recorded facts other than consent, and what they carry: a contract, or soft opt-in with its five conditions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from registry.kit.clock import FAR_FUTURE, FAR_PAST
from registry.policy.model import Basis, Purpose, PurposeClass

PARENTAL = "parental_authority"
KINDS = (
    "sale",
    "contract",
    "requested",
    "balancing",
    "vital_interest",
    "public_task",
    PARENTAL,
    # Somebody was heard of: it keeps a term of inactivity from ending, and permits nothing.
    "activity",
)
# What a person did, as opposed to what others know or decided about them. Anybody can type an address where a letter
# is asked for, so a request is no sign of life.
ACTIVE_KINDS = frozenset({"sale", "contract", "activity"})
# Bases whose need for each person is a recorded fact (GDPR art. 6(1)(d), (e)).
_FACT_OF = {
    Basis.VITAL_INTERESTS: "vital_interest",
    Basis.PUBLIC_TASK: "public_task",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """A fact about one person: what happened, with which legal entity, when, and what was offered then."""

    id: UUID
    kind: str
    controller: str
    assignment_id: UUID | None
    products: tuple[str, ...]
    opt_out_offered: bool
    collected_in_sale: bool
    occurred_at: datetime
    ends_at: datetime | None
    recorded_at: datetime


def carries_basis(purpose: Purpose, grounds: Sequence[Ground], at: datetime) -> Ground | bool | None:
    """The fact that the purpose's basis rests on: a ground, True where the policy itself says it, None for none.

    GDPR art. 6(1)(b): a contract needs one. So do vital interests and a public task (6(1)(d), (e)). Legitimate
    interests need a balancing test and legal obligation its provision; both are named in the policy, which is
    refused without. An obligation that a provision puts on the controller towards everybody needs no more. What is
    sent because somebody asked for it needs, whatever its basis, that they asked.
    """
    if purpose.class_ is PurposeClass.REQUESTED:
        return _longest(purpose, grounds, ("requested",), at)
    if purpose.basis is Basis.CONTRACT:
        return _longest(purpose, grounds, purpose.contract_facts, at)
    if purpose.basis is Basis.LEGITIMATE_INTERESTS:
        return True if purpose.balancing else None
    if purpose.basis is Basis.LEGAL_OBLIGATION:
        return True if purpose.obligation else None
    if purpose.basis in (Basis.VITAL_INTERESTS, Basis.PUBLIC_TASK):
        return _longest(purpose, grounds, (_FACT_OF[purpose.basis],), at)
    if purpose.basis is not Basis.CONSENT:
        assert_never(purpose.basis)  # a basis that nobody thought of carries nothing
    return True  # consent is judged by its own rules


def _longest(
    purpose: Purpose, grounds: Sequence[Ground], kinds: Sequence[str], at: datetime
) -> Ground | None:
    live = [
        ground
        for ground in grounds
        if ground.controller == purpose.controller
        and ground.kind in kinds
        and (ground.ends_at is None or ground.ends_at > at)
    ]
    return max(live, key=lambda ground: ground.ends_at or FAR_FUTURE, default=None)


def authorises(ground: Ground, controller: str, at: datetime) -> bool:
    """Whether this is a parent's authority for a grant to `controller` made at `at` (GDPR art. 8(1), (2))."""
    return (
        ground.kind == PARENTAL
        and ground.controller == controller
        and (ground.ends_at is None or ground.ends_at > at)
    )


def last_active(controller: str, grounds: Sequence[Ground]) -> datetime:
    """When the person last did something with this controller that was recorded as a ground."""
    return max(
        (g.occurred_at for g in grounds if g.controller == controller and g.kind in ACTIVE_KINDS),
        default=FAR_PAST,
    )


def soft_opt_in(purpose: Purpose, grounds: Sequence[Ground], assignment_id: UUID) -> Ground | None:
    """The sale on which soft opt-in rests for this address (Directive 2002/58/EC art. 13(2)), or None.

    All five: the address was got in a sale; by the same legal entity; for its own similar products; an opt-out
    was offered at collection; and every message offers one again.
    """
    if not grounds or "one_click" not in purpose.withdrawal:
        return None
    similar = set(purpose.similar_products)
    for ground in grounds:
        if (
            ground.kind == "sale"
            and ground.collected_in_sale
            and ground.assignment_id == assignment_id
            and ground.controller == purpose.controller
            and ground.opt_out_offered
            and similar.intersection(ground.products)
        ):
            return ground
    return None
