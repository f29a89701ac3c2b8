"""Who calls and why: what every audit entry needs to know and no area should have to ask for."""

from dataclasses import dataclass, field

from registry.kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Caller:
    """An opaque actor (`key:<uuid>`, `operator`, `worker`, `person`) with the purpose and reason of the call."""

    actor: str
    purpose: str = "operation"
    reason: str = "local operator"
    request_id: str = field(default_factory=lambda: str(new_id()))


WORKER = "worker"
PERSON = "person"
OPERATOR = "operator"
