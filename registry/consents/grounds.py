"""Recorded facts other than consent, and what they carry: a contract, or soft opt-in with its five conditions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.kit.clock import FAR_FUTURE
from registry.policy.model import Basis, Purpose

KINDS = ("sale", "contract", "requested", "balancing")


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

    GDPR art. 6(1)(b): a contract needs one. Legitimate interests need a balancing test and legal obligation its
    provision; both are named in the policy, which is refused without.
    """
    if purpose.basis is Basis.CONTRACT:
        live = [
            ground
            for ground in grounds
            if ground.controller == purpose.controller
            and ground.kind in purpose.contract_facts
            and (ground.ends_at is None or ground.ends_at > at)
        ]
        return max(live, key=lambda ground: ground.ends_at or FAR_FUTURE, default=None)
    if purpose.basis is Basis.LEGITIMATE_INTERESTS:
        return True if purpose.balancing else None
    if purpose.basis is Basis.LEGAL_OBLIGATION:
        return True if purpose.obligation else None
    # Consent is judged by its own rules; vital interests and public tasks need a recorded fact of their own.
    return True if purpose.basis is Basis.CONSENT else None


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
