"""One submission of a form, and the entries and facts that it becomes; with what shows them later on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from registry.consents.answers import Said, Value
from registry.consents.ground_service import NewGround
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts.queries import Reference
from registry.policy.collection import CollectionPoint
from registry.policy.model import ChannelGround, Grade, PolicySet

# By kind of address: the assignment for what was left, and the address row.
Assigned = Mapping[str, tuple[UUID, UUID | None]]


@dataclass(frozen=True, slots=True)
class Submission:
    """What a site sends of one form that somebody filled in.

    `subject` names a person who is known already, such as one who is signed in; `device` the browser, at a form that
    asks for a device's consent. `acted_at` is when they sent it.
    `evidence` holds what the site saw: network address, browser, page.
    """

    point: str
    version: int
    locale: str
    controls: Mapping[str, Value]
    acted_at: datetime
    acts: Mapping[str, str] = field(default_factory=dict)
    presented: Mapping[str, Value] = field(default_factory=dict)
    subject: Reference | None = None
    device: Reference | None = None
    products: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)


def source(point: CollectionPoint) -> str:
    """From where it is known what was left at the form."""
    return f"point:{point.id}"


def entry(
    policies: PolicySet,
    point: CollectionPoint,
    submission: Submission,
    said: Said,
    contact_id: UUID,
    assigned: Assigned,
) -> NewEntry:
    """One answer as an entry: a yes is asked to be confirmed where the purpose says so, a no binds its address too."""
    purpose = policies.purposes[said.purpose]
    kind = EntryKind.REFUSED
    if said.says == "yes":
        kind = EntryKind.REQUESTED if purpose.double_opt_in else EntryKind.GRANTED
    assignment_id, address_id = assigned.get(policies.channels[said.channel].address, (None, None))
    return NewEntry(
        contact_id=contact_id,
        kind=kind,
        purpose=said.purpose,
        channel=said.channel,
        grade=Grade.FIRST_PARTY,
        source=source(point),
        assignment_id=assignment_id,
        acted_at=submission.acted_at,
        act=said.act,
        notice_version=point.notices.get(said.purpose),
        notice_locale=submission.locale,
        evidence=_evidence(point, submission, said),
        on_address=address_id if kind.takes_away else None,
        cause="refused",
        point=point.id,
        point_version=point.version,
    )


def _evidence(point: CollectionPoint, submission: Submission, said: Said | None) -> dict[str, Any]:
    """What shows the act later on: the exact text at the control, and what the site saw."""
    shown: dict[str, Any] = {
        **submission.evidence,
        "form": f"{point.id}/{point.version}",
        "form_hash": point.hash.hex(),
        "locale": submission.locale,
    }
    if said is not None:
        shown |= {
            "control": said.control,
            "text": said.text,
            "text_hash": sha256(said.text.encode()).hexdigest(),
        }
    return shown


def sales(
    policies: PolicySet,
    point: CollectionPoint,
    submission: Submission,
    contact_id: UUID,
    assigned: Assigned,
) -> list[NewGround]:
    """The sale, with whether an opt-out was offered when the address was got (Directive 2002/58/EC art. 13(2))."""
    if not point.sale:
        return []
    addresses: list[tuple[str, UUID | None]] = [(kind, told[0]) for kind, told in assigned.items()]
    return [
        NewGround(
            contact_id=contact_id,
            kind="sale",
            controller=point.controller,
            occurred_at=submission.acted_at,
            source=source(point),
            assignment_id=assignment_id,
            products=submission.products,
            opt_out_offered=_offered(policies, point, kind, frozenset(submission.products)),
            collected_in_sale=assignment_id is not None,
            evidence=_evidence(point, submission, None),
        )
        for kind, assignment_id in addresses or [("", None)]
    ]


def _offered(policies: PolicySet, point: CollectionPoint, kind: str, products: frozenset[str]) -> bool:
    """Whether the form offered to opt out of all that the sale can carry at an address of this kind.

    A sale carries every purpose of its controller that rests on soft opt-in and has these products for similar; it
    does not say which. So where the form left out one of them, or one channel, it offered none.
    """
    uses = [
        (purpose, channel)
        for purpose in policies.purposes.values()
        if purpose.controller == point.controller and ChannelGround.SOFT_OPT_IN in purpose.grounds
        for channel in purpose.channels
        if policies.channels[channel].address == kind
    ]
    near = [use for use in uses if products.intersection(use[0].similar_products)] or uses
    return bool(near) and all(point.offers_opt_out(purpose.id, channel) for purpose, channel in near)
