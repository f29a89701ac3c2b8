"""Double opt-in has a term: what confirms a request after it is refused, whoever brings it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from registry.consents.ledger import EntryKind, in_time
from registry.consents.validation import NewEntry
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.policy.model import PolicySet
from registry.standing import merged


async def check(
    session: Session, policies: PolicySet, entries: Sequence[NewEntry], recorded_at: datetime
) -> None:
    """Refuse to confirm a request after its term: Refused `request.settled`. What is no request confirms nothing."""
    told = [one for one in entries if one.kind is EntryKind.CONFIRMED and one.refers_to is not None]
    if not told:
        return
    records = {one for entry in told for one in merged.locked_records(session, entry.contact_id)}
    requests = {
        row.id: (row.acted_at, row.recorded_at)
        for row in await session.all(
            "SELECT id, acted_at, recorded_at FROM consent_entry"
            " WHERE contact_id = ANY(%b::uuid[]) AND id = ANY(%b::uuid[])",
            (list(records), [entry.refers_to for entry in told]),
        )
    }
    for entry in told:
        term = timedelta(days=policies.purposes[entry.purpose].confirm_within_days)
        request = requests.get(entry.refers_to)
        if request is not None and not in_time(term, request, (entry.acted_at, recorded_at)):
            raise Refused(
                "request.settled",
                "The request waits for no confirmation any more.",
                field="refers_to",
                mend="ask the person again, and record the new request",
            )
