"""A complaint about a message (a report as spam) is an objection to all marketing of whoever sent it. Pure."""

from dataclasses import replace

from registry.consents.ledger import ANY, EntryKind
from registry.consents.validation import NewEntry
from registry.kit.errors import Misuse

COMPLAINT = "complaint"


def complaint(entry: NewEntry, controller: str | None) -> NewEntry:
    """The entry as the objection that a complaint is: to all marketing of the controller, at every address.

    Nobody who presses that button means one newsletter of five (GDPR art. 21(2), (3)). Misuse `cause.misplaced` for
    an entry that takes nothing away.
    """
    if not entry.kind.takes_away:
        raise Misuse(
            "cause.misplaced", "A complaint is no grant.", field="cause", mend="say it with an object"
        )
    return replace(
        entry,
        kind=EntryKind.OBJECTED,
        purpose=ANY,
        channel=ANY,
        controller=controller,
        assignment_id=None,
        cause=COMPLAINT,
    )
