"""What the AuthZEN Authorization API 1.0 takes and gives; members that it does not know are ignored, as it demands."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from registry.gate.batch_schemas import LARGEST_BATCH
from registry.gate.model import Decision, Outcome

Attributes = dict[str, Any]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


class AccessEntity(Struct, frozen=True):
    """A subject (`contact`, `email`, `phone`, `external`, `device`) or a resource (`purpose`)."""

    type: str
    id: str
    properties: Attributes | None = None


class AccessAction(Struct, frozen=True):
    """A channel, or `process` for use without contact."""

    name: str
    properties: Attributes | None = None


class AccessQuestion(Struct, frozen=True):
    """May this subject be processed by this action for this purpose? `context` is accepted and not looked at."""

    subject: AccessEntity
    action: AccessAction
    resource: AccessEntity
    context: Attributes | None = None


class PartialEntity(Struct, frozen=True):
    """A subject or resource of one evaluation among several; without `type` or `id` that one is an error."""

    type: str | None = None
    id: str | None = None
    properties: Attributes | None = None


class PartialAction(Struct, frozen=True):
    """An action of one evaluation among several; without `name` that one is an error."""

    name: str | None = None
    properties: Attributes | None = None


class AccessItem(Struct, frozen=True):
    """One evaluation; what it leaves out is taken, as a whole, from the request."""

    subject: PartialEntity | None = None
    action: PartialAction | None = None
    resource: PartialEntity | None = None
    context: Attributes | None = None


class AccessOptions(Struct, frozen=True):
    """How several evaluations are gone through."""

    evaluations_semantic: Semantic | None = None


class AccessQuestions(Struct, frozen=True):
    """Up to 1,000 evaluations with defaults; without any it is one question, answered as one."""

    subject: PartialEntity | None = None
    action: PartialAction | None = None
    resource: PartialEntity | None = None
    context: Attributes | None = None
    evaluations: Annotated[list[AccessItem], Meta(max_length=LARGEST_BATCH)] | None = None
    options: AccessOptions | None = None


class AccessError(Struct, frozen=True):
    """Why one evaluation among several was not decided."""

    status: int
    message: str


class AccessContext(Struct, frozen=True, omit_defaults=True):
    """What a decision rests on. The same question has the same context for as long as nothing changes."""

    reason: str | None = None
    """`permit` or why not; stable for ever."""
    outcome: Literal["permit", "deny", "defer"] | None = None
    basis: str | None = None
    channel_ground: str | None = None
    identifier: UUID | None = None
    evidence: UUID | None = None
    policy: str | None = None
    not_before: datetime | None = None
    error: AccessError | None = None


class AccessDecision(Struct, frozen=True):
    """Yes, or no; "later" is a no with the outcome `defer`."""

    decision: bool
    context: AccessContext

    @classmethod
    def of(cls, decided: Decision) -> "AccessDecision":
        return cls(
            decided.outcome is Outcome.PERMIT,
            AccessContext(
                decided.reason,
                decided.outcome.value,
                decided.basis.value if decided.basis else None,
                decided.channel_ground.value if decided.channel_ground else None,
                decided.identifier,
                decided.evidence,
                decided.policy,
                decided.not_before,
            ),
        )

    @classmethod
    def failed(cls, status: int, message: str) -> "AccessDecision":
        """An evaluation that was not decided, and so a no."""
        return cls(False, AccessContext(error=AccessError(status, message)))


class AccessDecisions(Struct, frozen=True):
    """The decisions in the order of the questions, as far as the semantic went."""

    evaluations: list[AccessDecision]


class SearchedEntity(Struct, frozen=True):
    """The subject or resource that is looked for: its `id` is ignored."""

    type: str
    properties: Attributes | None = None


class Page(Struct, frozen=True):
    """Which part of the results: the token of the page before, and how many at most."""

    token: str | None = None
    limit: Annotated[int, Meta(ge=1)] | None = None
    properties: Attributes | None = None


class SubjectSearch(Struct, frozen=True):
    """Whom may this action reach for this purpose?"""

    subject: SearchedEntity
    action: AccessAction
    resource: AccessEntity
    context: Attributes | None = None
    page: Page | None = None


class ResourceSearch(Struct, frozen=True):
    """For which purposes may this action reach this subject?"""

    subject: AccessEntity
    action: AccessAction
    resource: SearchedEntity
    context: Attributes | None = None
    page: Page | None = None


class ActionSearch(Struct, frozen=True):
    """By which actions may this subject be reached for this purpose?"""

    subject: AccessEntity
    resource: AccessEntity
    context: Attributes | None = None
    page: Page | None = None


class NextPage(Struct, frozen=True):
    """The token of the page that follows, empty on the last; and how many results this one has."""

    next_token: str
    count: int


class FoundEntity(Struct, frozen=True):
    """A subject or a resource that was found."""

    type: str
    id: str


class FoundAction(Struct, frozen=True):
    """An action that was found."""

    name: str


class FoundEntities(Struct, frozen=True):
    """One page of subjects or resources."""

    page: NextPage
    results: list[FoundEntity]


class FoundActions(Struct, frozen=True):
    """One page of actions."""

    page: NextPage
    results: list[FoundAction]


class Configuration(Struct, frozen=True):
    """What a policy enforcement point needs to know of this decision point."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
