"""Persons who stand in every way that a policy can ask about, and everybody's answers as the bulk gate gives them."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.exchange import imports, mapping, sample
from registry.gate import audience, rules, service
from registry.gate.model import Question
from registry.gate.policy_changes import Answered, Pair
from registry.gate.policy_members import Naming
from registry.kit.ids import NIL
from registry.kit.terminal import progress
from registry.policy.in_force import Bundle, Change
from registry.policy.model import PolicySet, Subscriber
from tests.persons import CALLER, act, make, sale

NEWSLETTER = "purposes/newsletter/policy.toml"
UPDATES = "purposes/product-updates/policy.toml"
CLUB = "purposes/club-letter/policy.toml"
NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)


async def people(workspace: Workspace, tmp_path: Path, number: int = 150) -> None:
    """A mailing list of invented people, and some who stand in every other way."""
    path = tmp_path / "sample.zip"
    sample.write(number, 7, path)
    told = mapping.load(Path(f"{path}.mapping.toml"), "mailchimp")
    await imports.run(workspace, CALLER, path, "mailchimp", told)
    for n in range(3):
        customer = await make(workspace, f"customer{n}@example.org", country="LV" if n else "PL")
        sold = ("tents",) if n < 2 else ("bicycles",)
        await sale(workspace, customer, products=sold, assignment_id=await address(workspace, customer))
    company = await make(workspace, "office@example.org", country="FI", subscriber=Subscriber.LEGAL)
    await act(workspace, company, EntryKind.OBJECTED, "product-updates")
    both = await make(workspace, "home@example.org", "work@example.org")
    await granted(workspace, both)
    member = await make(workspace, "member@example.org")
    await granted(workspace, member, EntryKind.GRANTED, "club-letter")
    for born in ("2012-02-29", "2011-06-01", "1980-01-01"):
        child = await make(workspace, f"born{born}@example.org", fields={"birth_date": born})
        await granted(workspace, child)
    asked = await make(workspace, "asked@example.org")
    await granted(workspace, asked, EntryKind.REQUESTED, "club-letter")
    gone = await make(workspace, "gone@example.org")
    await granted(workspace, gone)
    await act(workspace, gone, EntryKind.WITHDRAWN)


async def granted(
    workspace: Workspace, person: UUID, kind: EntryKind = EntryKind.GRANTED, purpose: str = "newsletter"
) -> None:
    """A grant for the first of the person's addresses."""
    await act(workspace, person, kind, purpose, assignment_id=await address(workspace, person))


async def address(workspace: Workspace, person: UUID) -> UUID:
    """The first of the person's addresses."""
    async with workspace.database.begin(CALLER) as session:
        found = await session.value(
            "SELECT id FROM assignment WHERE contact_id = %s ORDER BY id LIMIT 1", (person,)
        )
    assert isinstance(found, UUID)
    return found


async def answers(workspace: Workspace, policies: PolicySet, pair: Pair) -> dict[UUID, str]:
    """Everybody's reason, as the gate's bulk statement gives it; one for all where the policies know no such pair."""
    async with workspace.database.begin(CALLER) as session:
        constant = service.before_facts(policies, Question(NIL, *pair))
        if constant is not None:
            rows = await session.all("SELECT subject_id FROM gate_row WHERE kind = 0")
            return {row.subject_id: constant for row in rows}
        statement = audience.chunk(policies, policies.purposes[pair.purpose], pair.channel, NOW, NIL, 100_000)
        rows = await session.all(statement.text, statement.params)
    return {row.contact_id: rules.REASONS[row.code] for row in rows}


def naming(workspace: Workspace, named: list[Answered]) -> Naming:
    """Puts everybody whose answer changes into the list."""
    return Naming(workspace.database, workspace.ring, CALLER, named.extend, progress)


def change(folder: Path) -> Change:
    return Change(Bundle.of(folder), "dpo", "a test")
