"""AuthZEN's words in ours: subject, action and resource become a check, several become a batch with its semantic."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.access.principals import Principal, Rights
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference
from registry.gate.authzen_schemas import (
    AccessAction,
    AccessDecision,
    AccessEntity,
    AccessItem,
    AccessQuestions,
    PartialAction,
    PartialEntity,
    Semantic,
)
from registry.gate.checks import NOBODY, Check
from registry.gate.model import Decision
from registry.kit.caller import Caller
from registry.kit.errors import Forbidden, Misuse
from registry.policy.model import PolicySet

PURPOSE = "purpose"
CONTACT = "contact"
# What nobody declared is asked about under this name, which is no purpose's and no channel's: a caller's own text
# may name a person, and a decision is kept.
UNDECLARED = "?"
_KINDS = {"email": Kind.EMAIL, "phone": Kind.PHONE, "external": Kind.EXTERNAL, "device": Kind.DEVICE}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, with what rights, under which policies."""

    caller: Caller
    principal: Principal
    rights: Rights
    policies: PolicySet

    def purpose(self, resource: AccessEntity, action: str) -> str:
        """The purpose that a resource is, `?` for none of ours; Forbidden when the key does not reach it."""
        known = resource.type == PURPOSE and resource.id in self.rights.controllers
        self.rights.require(self.principal, action, purpose=resource.id if known else None)
        return resource.id if known else UNDECLARED

    def channel(self, action: AccessAction) -> str:
        """The channel that an action is, `?` for none of ours."""
        return action.name if action.name in self.policies.channels else UNDECLARED

    def check(self, subject: AccessEntity, action: AccessAction, resource: AccessEntity) -> Check:
        """The check that an evaluation asks for."""
        purpose = self.purpose(resource, "decision.check")
        return Check(self.caller, reference_of(subject), purpose, self.channel(action))


def reference_of(subject: AccessEntity) -> Reference:
    """Whom a subject names; NOBODY for a type that we do not know, or an id that no person can have."""
    try:
        if subject.type == CONTACT:
            return Reference(UUID(subject.id), None)
        kind = _KINDS.get(subject.type)
        return NOBODY if kind is None else Reference(None, normalise(kind, subject.id))
    except (ValueError, Misuse):
        return NOBODY


@dataclass(frozen=True, slots=True)
class Plan:
    """Several evaluations made ready: for each a check, or the error that it is, as far as they can matter."""

    steps: tuple[Check | AccessDecision, ...]
    semantic: Semantic

    @classmethod
    def of(cls, asker: Asker, asked: AccessQuestions, items: Sequence[AccessItem]) -> "Plan":
        semantic = (asked.options.evaluations_semantic if asked.options else None) or "execute_all"
        steps: list[Check | AccessDecision] = []
        for item in items:
            steps.append(_step(asker, asked, item))
            if semantic == "deny_on_first_deny" and isinstance(steps[-1], AccessDecision):
                break
        return cls(tuple(steps), semantic)

    @property
    def checks(self) -> list[Check]:
        return [step for step in self.steps if isinstance(step, Check)]

    def cut(self, decided: Sequence[Decision]) -> int:
        """How many of the decisions are of use: those up to the one that decides."""
        for number, one in enumerate(decided, start=1):
            if self._ends(one.permitted):
                return number
        return len(decided)

    def answered(self, decided: Sequence[Decision]) -> list[AccessDecision]:
        """Decisions and errors in the order of the evaluations, up to the one that decides."""
        told: list[AccessDecision] = []
        coming = iter(decided)
        for step in self.steps:
            told.append(step if isinstance(step, AccessDecision) else AccessDecision.of(next(coming)))
            if self._ends(told[-1].decision):
                break
        return told

    def _ends(self, permitted: bool) -> bool:
        if self.semantic == "deny_on_first_deny":
            return not permitted
        return permitted and self.semantic == "permit_on_first_permit"


def _step(asker: Asker, asked: AccessQuestions, item: AccessItem) -> Check | AccessDecision:
    """One evaluation with the defaults of the request, which stand in for whole objects and never for parts."""
    try:
        return asker.check(
            entity(item.subject or asked.subject, "subject"),
            action(item.action or asked.action),
            entity(item.resource or asked.resource, "resource"),
        )
    except (Misuse, Forbidden) as error:
        return AccessDecision.failed(error.status, error.detail)


def entity(given: PartialEntity | None, field: str) -> AccessEntity:
    """A subject or resource with all it needs; Misuse `evaluation.incomplete` naming what is missing."""
    if given is None:
        raise _incomplete(field)
    if given.type is None or given.id is None:
        raise _incomplete(f"{field}.{'type' if given.type is None else 'id'}")
    return AccessEntity(given.type, given.id)


def action(given: PartialAction | None) -> AccessAction:
    """An action with its name; Misuse `evaluation.incomplete` naming what is missing."""
    if given is None:
        raise _incomplete("action")
    if given.name is None:
        raise _incomplete("action.name")
    return AccessAction(given.name)


def _incomplete(field: str) -> Misuse:
    return Misuse("evaluation.incomplete", f"An evaluation needs {field}.", field=field)
