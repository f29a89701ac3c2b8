"""Plays worked cases through the same fold and the same rules that answer live questions. Pure."""

from pathlib import Path
from uuid import UUID, uuid5

from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.consents.validation import NewEntry, acted_at, validate
from registry.contacts.identifiers import Kind
from registry.gate import past, service
from registry.gate.model import Decision, Question
from registry.kit.errors import Misuse
from registry.policy.cases import Case, CaseEntry, Expected, load
from registry.policy.documents import PolicyInvalid, Problem
from registry.policy.model import Grade, PolicySet, Purpose, Subscriber
from registry.standing.model import ContactState

_NAMES = UUID("6f1d6a3e-6a0e-5e0b-9d0c-3f0f2a4c9b11")
_CONTACT = uuid5(_NAMES, "contact")


def failures(folder: Path, policies: PolicySet) -> list[Problem]:
    """The worked cases of a folder that cannot be read, or that do not come out as written."""
    problems: list[Problem] = []
    for purpose in policies.purposes:
        file = f"purposes/{purpose}/cases.toml"
        try:
            told = load(folder, purpose)
        except PolicyInvalid as invalid:
            problems.extend(invalid.problems)
            continue
        for case in told:
            if differs := play(policies, purpose, case):
                text = f"case “{case.name}”: {', '.join(differs)}"
                problems.append(Problem(file, case.line, text, "mend the policy, or the case"))
    return problems


def play(policies: PolicySet, purpose: str, case: Case) -> list[str]:
    """What differs from the expected answer, in words; nothing when the case holds."""
    numbered = policies.numbered(
        {name: number for number, name in enumerate(policies.purposes, 1)},
        {name: number for number, name in enumerate(policies.channels, 1)},
    )
    changed = Purpose.model_validate({**numbered.purposes[purpose].model_dump(by_alias=True), **case.policy})
    numbered = numbered.model_copy(update={"purposes": {**numbered.purposes, purpose: changed}})
    differs: list[str] = []
    person = _person(numbered, purpose, case, differs)
    question = Question(_CONTACT, purpose, case.channel, _id(case.address) if case.address else None)
    reason = service.before_facts(numbered, question)
    if reason is not None:
        return differs + _compare(case.expect, service.refusal(numbered, question, reason, case.at))
    return differs + _compare(case.expect, past.answer(numbered, person, question, case.at))


def _compare(expected: Expected, decision: Decision) -> list[str]:
    told = {
        "outcome": (expected.outcome, decision.outcome.value),
        "reason": (expected.reason, decision.reason),
    }
    if expected.basis is not None:
        told["basis"] = (expected.basis.value, decision.basis.value if decision.basis else "none")
    if expected.outcome == "permit":
        wanted = expected.ground.value if expected.ground else "none"
        told["ground"] = (wanted, decision.channel_ground.value if decision.channel_ground else "none")
    differs = [f"{what} is {is_} and not {want}" for what, (want, is_) in told.items() if want != is_]
    if expected.evidence is not None and decision.evidence != _id(expected.evidence):
        differs.append(f"the answer does not rest on {expected.evidence}")
    return differs


def _id(name: str) -> UUID:
    return uuid5(_NAMES, name)


def _person(policies: PolicySet, purpose: str, case: Case, differs: list[str]) -> Person:
    controller = policies.purposes[purpose].controller
    entries: list[Entry] = []
    for number, told in enumerate(case.entries, 1):
        entry = _entry(policies, purpose, told, number, differs)
        if entry is not None:
            entries.append(entry)
    return Person(
        contact_id=_CONTACT,
        country=case.contact.country,
        subscriber=Subscriber[case.contact.subscriber.upper()],
        state=ContactState[case.contact.state.upper()],
        restricted_at=case.contact.restricted_at,
        addresses=[
            Address(
                assignment_id=_id(name),
                address_id=uuid5(_id(name), "address"),
                kind=Kind[address.kind.upper()],
                verified_at=address.verified_at,
                dead=address.dead,
                refusals=tuple(
                    AddressRefusal(
                        refusal.controller or controller,
                        refusal.purpose or purpose,
                        refusal.channel,
                        refusal.acted_at,
                        refusal.acted_at,
                    )
                    for refusal in address.refusals
                ),
            )
            for name, address in case.addresses.items()
        ],
        entries=entries,
        grounds=[
            Ground(
                id=_id(ground.name or f"ground {number}"),
                kind=ground.kind,
                controller=ground.controller or controller,
                assignment_id=_id(ground.address) if ground.address else None,
                products=ground.products,
                opt_out_offered=ground.opt_out_offered,
                collected_in_sale=ground.collected_in_sale,
                occurred_at=ground.occurred_at,
                ends_at=ground.ends_at,
                recorded_at=ground.occurred_at,
            )
            for number, ground in enumerate(case.grounds, 1)
        ],
    )


def _entry(
    policies: PolicySet, purpose: str, told: CaseEntry, number: int, differs: list[str]
) -> Entry | None:
    about = told.purpose or purpose
    answers = policies.purposes.get(about) or policies.purposes[purpose]
    controller = told.controller or answers.controller
    new = NewEntry(
        contact_id=_CONTACT,
        kind=EntryKind[told.kind.upper()],
        purpose=about,
        channel=told.channel,
        grade=Grade[told.grade.upper()],
        source="case",
        assignment_id=_id(told.address) if told.address else None,
        acted_at=told.acted_at,
        controller=controller,
        act=told.act,
        notice_version=told.notice,
        notice_locale=policies.purposes[about].default_locale
        if told.notice and about in policies.purposes
        else None,
        refers_to=_id(told.refers_to) if told.refers_to else None,
        bundled_with=told.bundled_with,
    )
    refused = None
    try:
        validate(policies, new, told.known_at)
    except Misuse as misuse:
        refused = misuse.code
    if refused != told.refused:
        differs.append(f"entry {number} is refused as {refused} and not as {told.refused}")
    if refused is not None:
        return None
    return Entry(
        id=_id(told.name or f"entry {number}"),
        seq=number,
        kind=new.kind,
        grade=new.grade,
        controller=controller,
        purpose=about,
        channel=told.channel,
        assignment_id=new.assignment_id,
        acted_at=acted_at(new, told.known_at),
        recorded_at=told.known_at,
        refers_to=new.refers_to,
        notice_version=told.notice,
    )
