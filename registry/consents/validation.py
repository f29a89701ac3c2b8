"""What may be recorded: an entry is refused before it is written, with the article and the mend. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from registry.consents.ledger import ANY, EntryKind
from registry.kit.errors import Misuse
from registry.policy.model import Grade, PolicySet, Purpose

# Consent is a clear affirmative act (GDPR art. 4(11), recital 32): no default, silence, scrolling or inactivity.
VALID_ACTS = frozenset({"ticked", "clicked", "typed", "signed", "spoken", "replied", "switched_on"})
CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to record.

    `purpose` may be `*` for a "no" to all marketing of `controller`; `channel` may be `*` for a "no". `origin`
    is an importer's digest: the same origin counts once for a person. `on_address` makes a "no" the address's
    too, for everybody who shares it. `bundled_with` names what the same control also accepted.
    """

    contact_id: UUID
    kind: EntryKind
    purpose: str
    channel: str
    grade: Grade
    source: str
    assignment_id: UUID | None = None
    acted_at: datetime | None = None
    controller: str | None = None
    act: str | None = None
    notice_version: int | None = None
    notice_locale: str | None = None
    refers_to: UUID | None = None
    origin: bytes | None = None
    evidence: Mapping[str, Any] | None = None
    on_address: UUID | None = None
    cause: str = "withdrawn"
    bundled_with: tuple[str, ...] = ()
    # The collection point and its version at which it was made.
    point: str | None = None
    point_version: int | None = None
    # The ground by which a parent authorised a grant (GDPR art. 8).
    authority: UUID | None = None

    def controller_in(self, policies: PolicySet) -> str:
        """The controller whom the entry is about; empty where neither it nor its purpose names one."""
        purpose = policies.purposes.get(self.purpose)
        return self.controller or (purpose.controller if purpose else "")


def acted_at(entry: NewEntry, recorded_at: datetime) -> datetime | None:
    """When the act counts as done: a "no" at first hand or undated now, an imported one at its date, never later."""
    if not entry.kind.takes_away:
        return entry.acted_at
    if entry.grade is Grade.FIRST_PARTY or entry.acted_at is None:
        return recorded_at
    return min(entry.acted_at, recorded_at)


def validate(policies: PolicySet, entry: NewEntry, at: datetime) -> str:
    """Refuse an entry that the law or the policy does not allow; the controller otherwise. Pure."""
    purpose = policies.purposes.get(entry.purpose)
    takes = entry.kind.takes_away
    if entry.act is not None and entry.act not in VALID_ACTS | {"imported"}:
        # A closed list: it stands unsealed in the ledger, so nothing that somebody typed may come in here.
        raise Misuse(
            "consent.act_invalid",
            "That is no act by which a person says yes or no (GDPR art. 4(11)).",
            field="act",
            mend=f"one of {', '.join(sorted(VALID_ACTS))}",
        )
    if purpose is None and not (takes and entry.purpose == ANY and entry.controller in policies.controllers):
        raise Misuse(
            "purpose.unknown", "There is no such purpose.", field="purpose", mend="see zgoda policy list"
        )
    if entry.channel not in policies.channels and not (takes and entry.channel == ANY):
        raise Misuse("channel.unknown", "There is no such channel.", field="channel")
    if purpose is None:
        return entry.controller or ""
    if entry.controller not in (None, purpose.controller):
        raise Misuse(
            "purpose.of_another_controller", "The purpose is another controller's.", field="controller"
        )
    if not takes and entry.channel not in purpose.channels:
        raise Misuse("channel.undeclared", "The purpose does not declare this channel.", field="channel")
    if entry.kind in (EntryKind.REQUESTED, EntryKind.GRANTED, EntryKind.CONFIRMED):
        _validate_grant(policies, purpose, entry, at)
    return purpose.controller


def _validate_grant(policies: PolicySet, purpose: Purpose, entry: NewEntry, at: datetime) -> None:
    if policies.channels[entry.channel].address != "none" and entry.assignment_id is None:
        raise Misuse(
            "consent.address_missing",
            "A grant is for one address, which is missing.",
            field="identifier",
            mend="name the person by the address, such as email:ADDRESS, or the address by its identifier's id"
            " (--identifier UUID), which zgoda contact show lists",
        )
    if entry.acted_at is not None and entry.acted_at > at + CLOCK_TOLERANCE:
        raise Misuse("consent.acted_in_future", "The act lies in the future.", field="acted_at")
    if entry.bundled_with:
        raise Misuse(
            "consent.bundled",
            "The control also accepted something else, so it is no consent (GDPR art. 7(2)).",
            field="bundled_with",
            mend="ask for consent apart from everything else",
        )
    if entry.grade is Grade.FIRST_PARTY and entry.act not in VALID_ACTS:
        raise Misuse(
            "consent.act_invalid",
            "Consent takes a clear affirmative act (GDPR art. 4(11)).",
            field="act",
            mend=f"one of {', '.join(sorted(VALID_ACTS))}",
        )
    if entry.notice_version is not None:
        versions = {notice.version for notice in policies.notices.get(purpose.id, ())}
        if entry.notice_version not in versions:
            raise Misuse("notice.unknown", "The purpose has no notice of that version.", field="notice")
        texts = {n.locale for n in policies.notices.get(purpose.id, ()) if n.version == entry.notice_version}
        if entry.grade is Grade.FIRST_PARTY and entry.notice_locale not in texts:
            # Without its language nobody could show the text that the person saw (art. 7(1)).
            raise Misuse(
                "notice.locale_unknown",
                "The language of the notice that was shown is missing or has no text.",
                field="notice",
                mend=f"one of {', '.join(sorted(texts))}",
            )
    elif entry.grade is not Grade.UNKNOWN and policies.notices.get(purpose.id):
        raise Misuse("notice.missing", "The version of the notice that was shown is missing.", field="notice")
