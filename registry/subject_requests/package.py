"""The access package (GDPR art. 15): everything stored about one person, opened, with what they are to be told."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from registry.audit import entries as audit
from registry.contacts.queries import Reference
from registry.keys import persons
from registry.keys.ring import KeyRing
from registry.kit.clock import now
from registry.kit.database import Session
from registry.policy.model import PolicySet
from registry.standing import merged
from registry.subject_requests import information, intake
from registry.subject_requests.areas import AREAS

FORMAT = "zgoda-access-package-1"


async def make(session: Session, ring: KeyRing, policies: PolicySet, reference: Reference) -> dict[str, Any]:
    """The package of one person, noted as a request and, as `contact.export`, in the log.

    Of a person of whom there are several records it holds them all: the one that stands for them as that of anybody,
    and the others under `merged`. Raises as `intake.person`. Commit before it leaves: what was not noted was not given.
    """
    records = await merged.of_person(session, await intake.person(session, ring, reference))
    contact_id = records[0]
    keys = await persons.load(session, ring, records)
    if len(keys) < len(records):
        raise intake.ContactErased  # since they were looked up
    data, *others = [
        {name: await area.export(session, ring, record, keys[record]) for name, area in AREAS.items()}
        for record in records
    ]
    request_id = await intake.record(session, contact_id, "access")
    await audit.append(
        session,
        ring,
        "contact.export",
        subjects=records,
        kinds=sorted(AREAS),
        detail={"request": str(request_id)},
        keys=keys,
    )
    package = {
        "format": FORMAT,
        "request": request_id,
        "contact": contact_id,
        "made_at": now(),
        "items": items([data, *others]),
        "information": information.told(policies, data),
        "data": data,
    }
    if others:
        package["merged"] = [
            {"contact": record, "information": information.told(policies, told), "data": told}
            for record, told in zip(records[1:], others, strict=True)
        ]
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
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot stand in a package")
