"""The access package (GDPR art. 15): everything stored about one person, opened, with what they are to be told."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.audit import entries as audit
from registry.contacts.queries import Reference
from registry.keys import persons
from registry.keys.ring import KeyRing
from registry.kit.clock import now
from registry.kit.database import Session
from registry.policy.model import PolicySet
from registry.subject_requests import information, intake
from registry.subject_requests.areas import AREAS

FORMAT = "zgoda-access-package-1"


async def make(session: Session, ring: KeyRing, policies: PolicySet, reference: Reference) -> dict[str, Any]:
    """The package of one person, noted as a request and, as `contact.export`, in the log.

    Raises as `intake.person`. Commit before it leaves: what was not noted was not given.
    """
    contact_id = await intake.person(session, ring, reference)
    keys = await persons.load(session, ring, [contact_id])
    if contact_id not in keys:
        raise intake.ContactErased  # since they were looked up
    data = {
        name: await area.export(session, ring, contact_id, keys[contact_id]) for name, area in AREAS.items()
    }
    request_id = await intake.record(session, contact_id, "access")
    await audit.append(
        session,
        ring,
        "contact.export",
        subjects=[contact_id],
        kinds=sorted(AREAS),
        detail={"request": str(request_id)},
        keys=keys,
    )
    package = {
        "format": FORMAT,
        "request": request_id,
        "contact": contact_id,
        "made_at": now(),
        "items": items(data),
        "information": information.told(policies, data),
        "data": data,
    }
    read: dict[str, Any] = json.loads(json.dumps(package, default=_plain))
    return read


def items(data: Any) -> int:
    """How many values a package holds: every one that is there, however deep."""
    if isinstance(data, Mapping):
        return sum(items(value) for value in data.values())
    if isinstance(data, list | tuple):
        return sum(items(value) for value in data)
    return 0 if data is None else 1


def encode(package: Mapping[str, Any]) -> str:
    """The package as a person reads it: UTF-8 JSON, indented."""
    return json.dumps(package, ensure_ascii=False, indent=1)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot stand in a package")
