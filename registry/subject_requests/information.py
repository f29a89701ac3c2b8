"""What a person is told beside their data (GDPR art. 15(1)(a) to (h), 15(2)): what for, to whom, for how long."""

from collections.abc import Iterable, Mapping
from typing import Any

from registry.kit import texts
from registry.kit.texts import N_
from registry.policy.model import EEA, PolicySet, Purpose
from registry.subject_requests import authorities

_RIGHTS = (
    N_("You may have a copy of your data (GDPR art. 15)."),
    N_("You may have wrong data corrected (GDPR art. 16)."),
    N_("You may have your data erased (GDPR art. 17)."),
    N_("You may have the use of your data restricted (GDPR art. 18)."),
    N_("You may have the data that you gave us in a form that machines read (GDPR art. 20)."),
    N_("You may object to direct marketing, and to use that rests on legitimate interests (GDPR art. 21)."),
    N_("You may withdraw your consent at any time; what was done before stays lawful (GDPR art. 7(3))."),
    N_("You may complain to a supervisory authority (GDPR art. 77)."),
)
_NO_PROGRAM_ALONE = N_(
    "No program alone decides anything about you with legal or similar effects (GDPR art. 22)."
)
_PROGRAM_ALONE = N_(
    "A program alone decides about you; you may ask that a person looks at it (GDPR art. 22)."
)
_NO_TRANSFER = N_("Your data do not leave the European Economic Area.")


def told(policies: PolicySet, data: Mapping[str, Any]) -> dict[str, Any]:
    """The items of art. 15 for the person whose `data` these are, as the areas exported them. Pure.

    Sentences come in the person's language, English where it is none of ours.
    """
    person = data["contacts"]["person"]
    locale = person["locale"] if person["locale"] in texts.LOCALES else texts.DEFAULT
    say = texts.gettext_for(locale)
    purposes = _purposes(policies, data)
    controllers = {purpose.controller for purpose in purposes} or set(policies.controllers)
    recipients = {name for purpose in purposes for name in purpose.recipients}
    transfers = [r for r in sorted(recipients) if policies.recipients[r].country not in EEA]
    automated = [purpose.id for purpose in purposes if purpose.automated_decisions]
    countries = {policies.controllers[c].country for c in controllers} | {person["country"] or ""}
    return {
        "locale": locale,
        "controllers": [
            policies.controllers[c].model_dump(include={"id", "name", "address", "contact", "dpo", "country"})
            for c in sorted(controllers)
        ],
        "purposes": [_purpose(policies, purpose, locale) for purpose in purposes],
        "kinds": _kinds(policies, data),
        "recipients": [policies.recipients[r].model_dump() for r in sorted(recipients)],
        "transfers": transfers or say(_NO_TRANSFER),
        "terms": [one.model_dump(mode="json") for one in policies.retention.values()],
        "sources": sorted(_sources(data)),
        "rights": [say(right) for right in _RIGHTS],
        "complaint": [
            dict(zip(("name", "url"), authorities.AUTHORITIES.get(c, authorities.ALL), strict=True))
            for c in sorted(countries - {""})
        ],
        "automated_decisions": {
            "purposes": automated,
            "logic": say(_PROGRAM_ALONE if automated else _NO_PROGRAM_ALONE),
        },
    }


def _purposes(policies: PolicySet, data: Mapping[str, Any]) -> list[Purpose]:
    """The purposes that the person's data are or were used for."""
    named = {one["purpose"] for one in data["consents"]["entries"]}
    named |= {one["purpose"] for one in data["dispatch"]["messages"]}
    named |= {one["purpose"] for one in data["gate"]["decisions"]}
    by_grounds = {one["controller"] for one in data["consents"]["grounds"]}
    return [
        purpose
        for purpose in policies.purposes.values()
        if purpose.id in named or (purpose.controller in by_grounds and purpose.basis.value != "consent")
    ]


def _purpose(policies: PolicySet, purpose: Purpose, locale: str) -> dict[str, Any]:
    return {
        "id": purpose.id,
        "title": purpose.title.get(locale) or purpose.title.get(texts.DEFAULT) or purpose.id,
        "controller": policies.controllers[purpose.controller].name,
        "basis": purpose.basis.value,
        "interest": purpose.balancing,
        "obligation": purpose.obligation,
        "data": list(purpose.data_kinds),
        "recipients": [policies.recipients[r].name for r in purpose.recipients],
        "valid_for_days": purpose.valid_for_days,
        "policy": purpose.version,
    }


def _kinds(policies: PolicySet, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each kind of data that is stored, for which purposes it may be used, and how long it is kept."""
    kinds: list[dict[str, Any]] = [
        {"kind": kind, "retention": "identity"}
        for kind in sorted({one["kind"] for one in data["contacts"]["identifiers"]})
    ]
    for one in data["contacts"]["fields"]:
        declared = policies.fields.get(one["field"])
        kinds.append(
            {
                "kind": one["field"],
                "purposes": list(declared.purposes) if declared else [],
                "retention": declared.retention.value if declared else "profile",
            }
        )
    others = (
        ("consents", data["consents"]["entries"], "proof"),
        ("grounds", data["consents"]["grounds"], "proof"),
        ("messages", data["dispatch"]["messages"], "messages"),
        ("decisions", data["gate"]["decisions"], "history"),
        ("consultations", data["audit"]["entries"], "audit"),
    )
    return kinds + [{"kind": kind, "retention": term} for kind, rows, term in others if rows]


def _sources(data: Any) -> Iterable[str]:
    """Every `source` in the data: from where something came that the person did not tell us themselves."""
    found: set[str] = set()
    if isinstance(data, Mapping):
        source = data.get("source")
        if isinstance(source, str):
            found.add(source)
        for value in data.values():
            found |= set(_sources(value))
    elif isinstance(data, list):
        for value in data:
            found |= set(_sources(value))
    return found
