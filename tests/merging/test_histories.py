"""Random lives of two records in the real database: merged nothing is looser than the stricter, parted nothing is.

The same as the pure properties, with everything in between: locks, ledger, projection, addresses, restrictions.
"""

from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.policy.model import Grade
from registry.subject_requests import restriction
from tests import persons
from tests.merging import people
from tests.persons import CALLER, act, check, make, sale

NOES = frozenset(
    {"contact.restricted", "address.suppressed", "purpose.objected", "consent.refused", "consent.withdrawn"}
)
NUMBERS = count(1)
# What may happen to one of the two: who, what, about which purpose, at their own address, the shared one or all.
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.sampled_from(["grant", "grant", "import", "withdraw", "object", "refuse", "restrict", "sale"]),
        st.sampled_from(["newsletter", "product-updates", "*"]),
        st.sampled_from(["own", "shared", "all"]),
    ),
    min_size=1,
    max_size=6,
)
# A restricted person's data is used with that person's consent given since (art. 18(2)), whichever record it is in.
LIFTED = frozenset({"contact.restricted"})
KINDS = {"withdraw": EntryKind.WITHDRAWN, "object": EntryKind.OBJECTED, "refuse": EntryKind.REFUSED}


def consented_since(steps: list[Any]) -> bool:
    """Whether a yes came after a restriction, of either record."""
    names = [what for _, what, _, _ in steps]
    return "restrict" in names and "grant" in names[names.index("restrict") :]


async def live(workspace: Workspace, records: list[UUID], own: list[str], shared: str, step: Any) -> None:
    who, what, purpose, place = step
    record = records[who]
    held = await people.assignment(workspace, record, shared if place == "shared" else own[who])
    if what == "restrict":
        async with workspace.database.begin(CALLER) as session:
            await restriction.restrict(session, workspace.ring, parse_reference(str(record)), "accuracy")
    elif what == "sale":
        await sale(workspace, record, assignment_id=held)
    elif what in KINDS:
        more: dict[str, Any] = {"controller": "nordwind"}
        if place != "all":
            more["assignment_id"] = held
        await act(workspace, record, KINDS[what], purpose, "*" if purpose == "*" else "email", **more)
    elif purpose != "*":
        more = {"assignment_id": held}
        if what == "import":
            more |= {"grade": Grade.ATTESTED, "acted_at": persons.at("2026-05-01"), "act": "imported"}
        await act(workspace, record, EntryKind.GRANTED, purpose, **more)


@given(STEPS, STEPS, st.booleans())
@settings(max_examples=8, phases=[Phase.reuse, Phase.generate])
@pytest.mark.law("LP-23")
async def test_no_life_of_two_records_is_laundered(
    workspace: Workspace, before: list[Any], meanwhile: list[Any], turned: bool
) -> None:
    number = next(NUMBERS)
    shared = f"email:shared{number}@example.org"
    own = [f"email:{name}{number}@example.org" for name in ("one", "other")]
    records = [await make(workspace, name.partition(":")[2], shared.partition(":")[2]) for name in own]
    for step in before:
        await live(workspace, records, own, shared, step)
    places = [
        (record, mine, await people.assignment(workspace, record, reference))
        for record, mine in zip(records, own, strict=True)
        for reference in (mine, shared)
    ]

    async def answers() -> dict[tuple[UUID, UUID, str], str]:
        return {
            (record, held, purpose): (await check(workspace, record, purpose, assignment_id=held)).reason
            for record, _, held in places
            for purpose in ("newsletter", "product-updates")
        }

    alone = await answers()
    surviving, joining = reversed(records) if turned else records
    merge = await people.merge(workspace, surviving, joining)
    together = await answers()
    noes = NOES - LIFTED if consented_since(before) else NOES
    twins = {places[1][2]: places[3][2], places[3][2]: places[1][2]}
    for (record, held, purpose), told in together.items():
        if told == "permit":
            other = records[1] if record == records[0] else records[0]
            theirs = [alone[other, twins[held], purpose]] if held in twins else []
            assert "permit" in [alone[record, held, purpose], *theirs]
            assert noes.isdisjoint([alone[record, held, purpose], *theirs])
    for step in meanwhile:
        await live(workspace, records, own, shared, step)
    together = await answers()
    await people.unmerge(workspace, merge.id)
    for place, told in (await answers()).items():
        if told == "permit":
            assert together[place] == "permit"
