"""Plays worked cases through the same fold and the same rules that answer live questions. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID, uuid5

from pydantic import ValidationError

from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.consents.validation import NewEntry, acted_at, validate
from registry.contacts.identifiers import Kind
from registry.gate import past, service
from registry.gate.model import Decision, Question
from registry.kit.errors import Misuse
from registry.policy.ages import coming_of_age
from registry.policy.cases import Case, CaseEntry, Expected, load
from registry.policy.documents import PolicyInvalid, Problem
from registry.policy.model import Grade, PolicySet, Purpose, Subscriber
from registry.policy.schedule import Part
from registry.standing.model import ContactState

_NAMES = UUID("6f1d6a3e-6a0e-5e0b-9d0c-3f0f2a4c9b11")
_CONTACT = uuid5(_NAMES, "contact")


@dataclass(frozen=True, slots=True)
class Played:
    """One case with what came out; `expected` and `got` are the answers in words."""

    purpose: str
    case: Case
    expected: str
    got: str
    # What differs; nothing when the case holds.
    differs: tuple[str, ...]

    @property
    def problem(self) -> Problem:
        """The case as a problem of its file."""
        text = f"case “{self.case.name}”: {', '.join(self.differs)}"
        return Problem(file_of(self.purpose), self.case.line, text, "mend the policy, or the case")


def file_of(purpose: str) -> str:
    """Where the cases of a purpose lie."""
    return f"purposes/{purpose}/cases.toml"


def failures(folder: Path, policies: PolicySet) -> list[Problem]:
    """The worked cases of a folder that cannot be read, or that do not come out as written."""
    played, unreadable = play_all(folder, policies)
    return [*unreadable, *(one.problem for one in played if one.differs)]


def play_all(folder: Path, policies: PolicySet) -> tuple[list[Played], list[Problem]]:
    """Every case of every purpose, and what cannot be read of them."""
    played: list[Played] = []
    problems: list[Problem] = []
    for purpose in policies.purposes:
        try:
            told = load(folder, purpose)
        except PolicyInvalid as invalid:
            problems.extend(invalid.problems)
            continue
        played.extend(play_one(policies, purpose, case) for case in told)
    return played, problems


def play(policies: PolicySet, purpose: str, case: Case) -> list[str]:
    """What differs from the expected answer, in words; nothing when the case holds."""
    return list(play_one(policies, purpose, case).differs)


def play_one(policies: PolicySet, purpose: str, case: Case) -> Played:
    """One case, with the expected answer and the one that came out."""
    numbered = policies.numbered(
        {name: number for number, name in enumerate(policies.purposes, 1)},
        {name: number for number, name in enumerate(policies.channels, 1)},
    )
    expected = f"{case.expect.outcome} {case.expect.reason}"
    try:
        changed = Purpose.model_validate(
            {**numbered.purposes[purpose].model_dump(by_alias=True), **case.policy}
        )
    except ValidationError as error:
        keys = sorted({".".join(map(str, detail["loc"])) for detail in error.errors()})
        return Played(purpose, case, expected, "no answer", (f"its policy cannot be: {', '.join(keys)}",))
    imports = {name: ((datetime.combine(day, time(), UTC), day),) for name, day in case.imported.items()}
    numbered = numbered.model_copy(
        update={"purposes": {**numbered.purposes, purpose: changed}, "list_imports": imports}
    )
    differs: list[str] = []
    person = _person(numbered, purpose, case, differs)
    question = Question(_CONTACT, purpose, case.channel, _id(case.address) if case.address else None)
    reason = service.before_facts(numbered, question)
    if reason is not None:
        decision = service.refusal(numbered, question, reason, case.at)
    else:
        decision = past.answer(numbered, person, question, case.at)
    got = f"{decision.outcome.value} {decision.reason}"
    return Played(purpose, case, expected, got, (*differs, *_compare(case.expect, decision)))


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
    if expected.not_before is not None and decision.not_before != expected.not_before:
        differs.append(f"it is for {decision.not_before} and not for {expected.not_before}")
    return differs


def _id(name: str) -> UUID:
    return uuid5(_NAMES, name)


def _person(policies: PolicySet, purpose: str, case: Case, differs: list[str]) -> Person:
    controller = policies.purposes[purpose].controller
    born = case.contact.birth_date
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
        time_zone=case.contact.time_zone,
        preferred_part=Part[case.contact.preferred.upper()],
        coming_of_age=coming_of_age(policies.ages, case.contact.country, born) if born else (),
        handed=_handed(controller, case),
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
                lists=address.lists,
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


def _handed(controller: str, case: Case) -> dict[tuple[str, str], dict[date, int]]:
    counts: dict[tuple[str, str], dict[date, int]] = {}
    for told in case.handed:
        days = counts.setdefault((told.controller or controller, told.channel), {})
        days[told.day] = days.get(told.day, 0) + told.messages
    return counts


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
        authority=_id(told.authority) if told.authority else None,
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
        authority=new.authority,
    )
