"""Worked cases: what a lawyer writes beside a policy, facts and question and the answer that must come out."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from registry.policy.documents import PolicyInvalid, Problem, read
from registry.policy.model import Basis, ChannelGround
from registry.policy.words import Country, Day, Model, Moment, Name

ContactWord = Literal["active", "erased"]
EntryWord = Literal[
    "requested", "granted", "confirmed", "refused", "withdrawn", "objected", "invalidated", "corrected"
]
GradeWord = Literal["unknown", "attested", "first_party"]


class CaseContact(Model):
    """The person. Country and kind of subscriber decide which national rule on e-mail holds.

    `birth_date` makes them a child or of age by `ages.toml`; left out, the age is not known. `time_zone` is the
    person's own, before that of the country.
    """

    country: Country | None = "LV"
    subscriber: Literal["unknown", "natural", "legal"] = "natural"
    state: ContactWord = "active"
    restricted_at: Moment | None = None
    birth_date: Day | None = None
    time_zone: str | None = None
    # The part of the day that they would rather be reached in.
    preferred: Literal["any", "morning", "afternoon", "evening"] = "any"


class CaseRefusal(Model):
    """A "no" of the address itself, which binds everybody who shares it."""

    purpose: str | None = None
    controller: Name | None = None
    channel: str = "email"
    acted_at: Moment


class CaseAddress(Model):
    """An address that the person has at the time of the question."""

    kind: Literal["email", "phone"] = "email"
    verified_at: Moment | None = None
    dead: bool = False
    refusals: tuple[CaseRefusal, ...] = ()
    lists: tuple[Name, ...] = ()


class CaseEntry(Model):
    """One entry of the ledger, in the order in which they were recorded.

    `recorded_at` is `acted_at` unless said otherwise; `refused` is the code with which recording it is refused.
    """

    kind: EntryWord
    name: str | None = None
    purpose: str | None = None
    controller: Name | None = None
    channel: str = "email"
    address: str | None = None
    grade: GradeWord = "first_party"
    act: str | None = "clicked"
    notice: int | None = None
    acted_at: Moment | None = None
    recorded_at: Moment | None = None
    refers_to: str | None = None
    bundled_with: tuple[str, ...] = ()
    # The name of the ground by which a parent agreed to it.
    authority: str | None = None
    refused: str | None = None

    @model_validator(mode="after")
    def _dated(self) -> "CaseEntry":
        if self.acted_at is None and self.recorded_at is None:
            raise ValueError("an undated entry needs recorded_at")
        return self

    @property
    def known_at(self) -> datetime:
        """When it was recorded."""
        known = self.recorded_at or self.acted_at
        assert known is not None
        return known


class CaseGround(Model):
    """A recorded fact other than consent."""

    kind: str
    name: str | None = None
    controller: Name | None = None
    address: str | None = None
    products: tuple[str, ...] = ()
    opt_out_offered: bool = False
    collected_in_sale: bool = False
    occurred_at: Moment
    ends_at: Moment | None = None


class CaseHanded(Model):
    """Marketing messages that were handed over to the person on one day (UTC)."""

    day: Day
    messages: int = Field(ge=1)
    channel: str = "email"
    controller: Name | None = None


class Expected(Model):
    """The answer. `evidence` is the name of the entry or ground relied on; `not_before` is of a defer."""

    outcome: Literal["permit", "deny", "defer"]
    reason: str
    basis: Basis | None = None
    ground: ChannelGround | None = None
    evidence: str | None = None
    not_before: Moment | None = None


class Case(Model):
    """One worked case of one purpose; `policy` changes keys of the purpose for this case alone.

    `imported` says of which day each do-not-call or do-not-mail list was imported; one that is left out never was.
    """

    name: str = Field(min_length=1)
    law: tuple[str, ...] = ()
    at: Moment
    channel: str = "email"
    address: str | None = None
    contact: CaseContact = CaseContact()
    addresses: dict[Name, CaseAddress] = Field(default_factory=lambda: {"home": CaseAddress()})
    entries: tuple[CaseEntry, ...] = Field(default=(), alias="entry")
    grounds: tuple[CaseGround, ...] = Field(default=(), alias="ground")
    handed: tuple[CaseHanded, ...] = ()
    imported: dict[Name, Day] = Field(default_factory=dict)
    policy: dict[str, Any] = Field(default_factory=dict)
    expect: Expected
    line: int = 0

    @field_validator("entries")
    @classmethod
    def _in_order(cls, entries: tuple[CaseEntry, ...]) -> tuple[CaseEntry, ...]:
        times = [entry.known_at for entry in entries]
        if times != sorted(times):
            raise ValueError("entries stand in the order in which they were recorded")
        return entries

    @model_validator(mode="after")
    def _names(self) -> "Case":
        asked = [self.address, *(e.address for e in self.entries), *(g.address for g in self.grounds)]
        if unknown := sorted({name for name in asked if name is not None and name not in self.addresses}):
            raise ValueError(f"unknown address {', '.join(unknown)}")
        grounds = {ground.name for ground in self.grounds}
        if unknown := sorted({e.authority for e in self.entries if e.authority} - grounds):
            raise ValueError(f"unknown ground {', '.join(unknown)}")
        if any(entry.known_at > self.at for entry in self.entries):
            raise ValueError("an entry is recorded after the question")
        return self


def load(folder: Path, purpose: str) -> tuple[Case, ...]:
    """The cases of a purpose, none if it has no file; PolicyInvalid names the line of each that cannot be read.

    `at` at the top of the file is the time of every case that says none.
    """
    file = f"purposes/{purpose}/cases.toml"
    if not (folder / file).exists():
        return ()
    problems: list[Problem] = []
    document = read(folder, file, problems)
    made: list[Case] = []
    data = document.data if document else {}
    for index, values in enumerate(data.get("case", ())):
        try:
            line = document.line_of(("case", index)) if document else 1
            made.append(Case.model_validate({"at": data.get("at"), **values, "line": line}))
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                key = ".".join(str(step) for step in detail["loc"])
                line = document.line_of(("case", index, *detail["loc"])) if document else 1
                text = (
                    f"case {index + 1}: {key}: {detail['msg']}"
                    if key
                    else f"case {index + 1}: {detail['msg']}"
                )
                problems.append(Problem(file, line, text, "mend the case"))
    if problems:
        raise PolicyInvalid(problems)
    return tuple(made)
