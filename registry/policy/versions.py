"""What a version of a purpose is the hash of: everything that a decision about it depends on. Pure."""

from hashlib import sha256
from typing import Any

import rfc8785

from registry.policy.model import Basis, PolicySet, Purpose
from registry.policy.partners import partners_of


def body(policies: PolicySet, purpose: str) -> dict[str, Any]:
    """Everything that a decision about the purpose depends on, as JSON: what its version is the hash of."""
    made = policies.purposes[purpose]
    controller = policies.controllers.get(made.controller)
    test = policies.balancing.get(made.balancing or "")
    return {
        "purpose": made.model_dump(mode="json", by_alias=True, exclude={"version"}),
        "controller": controller.model_dump(mode="json") if controller else None,
        "channels": {
            name: policies.channels[name].model_dump(mode="json")
            for name in made.channels
            if name in policies.channels
        },
        "notices": [
            {**notice.model_dump(mode="json", exclude={"body", "purpose"}), "hash": notice.hash.hex()}
            for notice in sorted(policies.notices.get(purpose, ()), key=lambda n: (n.version, n.locale))
        ],
        "eprivacy": eprivacy_of(policies, made),
        "ages": ages_of(policies, made),
        "lists": lists_of(policies, made),
        "schedule": schedule_of(policies, made),
        "balancing": test.model_dump(mode="json") if test else None,
        "partners": partners_of(policies, made),
    }


def version(policies: PolicySet, purpose: str) -> str:
    """The first 128 bits of SHA-256 over the canonical JSON (RFC 8785) of the purpose's body, as hex."""
    return sha256(rfc8785.dumps(body(policies, purpose))).hexdigest()[:32]


def eprivacy_of(policies: PolicySet, purpose: Purpose) -> list[dict[str, Any]]:
    """The national rules on the channels of a marketing purpose; none bears on any other."""
    rules = [r for r in policies.eprivacy if purpose.is_marketing and r.channel in purpose.channels]
    return sorted(
        (rule.model_dump(mode="json") for rule in rules),
        key=lambda r: (r["country"], r["channel"], r["subscriber"], r["since"]),
    )


def ages_of(policies: PolicySet, purpose: Purpose) -> list[dict[str, Any]]:
    """The ages of consent, for a purpose that rests on consent (GDPR art. 8)."""
    if purpose.basis is not Basis.CONSENT:
        return []
    rules = (rule.model_dump(mode="json") for rule in policies.ages)
    return sorted(rules, key=lambda rule: (rule["country"], rule["since"]))


def lists_of(policies: PolicySet, purpose: Purpose) -> dict[str, Any]:
    """The lists of people who want no advertising that bear on a marketing purpose, by name."""
    return {
        name: one.model_dump(mode="json")
        for name, one in sorted(policies.lists.items())
        if purpose.is_marketing
        and set(one.channels) & set(purpose.channels)
        and (not one.controllers or purpose.controller in one.controllers)
    }


def schedule_of(policies: PolicySet, purpose: Purpose) -> dict[str, Any]:
    """Quiet hours, the clocks that they are kept by, and caps, so far as they bear on the purpose."""
    schedule = policies.schedule
    quiet = [
        one.model_dump(mode="json", by_alias=True)
        for one in schedule.quiet
        if purpose.class_.value in one.classes and set(one.channels) & set(purpose.channels)
    ]
    caps = [cap.model_dump(mode="json") for cap in caps_of(policies, purpose)]
    return {"quiet": quiet, "zones": dict(sorted(schedule.zones.items())) if quiet else {}, "caps": caps}


def caps_of(policies: PolicySet, purpose: Purpose) -> list[Any]:
    """The caps that a marketing purpose is under."""
    return [
        cap
        for cap in policies.schedule.caps
        if purpose.is_marketing and cap.controller == purpose.controller and cap.channel in purpose.channels
    ]
