"""`zgoda campaign`: sending to an audience, and what became of it."""

from pathlib import Path
from uuid import UUID

import click

from registry.campaigns import files, service
from registry.campaigns.schemas import Campaign, shown
from registry.contacts import queries as contacts
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, runs


@click.group()
def campaign() -> None:
    """Campaigns: one message to everybody whom the gate permits."""


@campaign.command("send")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@prints_result
@runs
async def send(terminal: Terminal, file: Path) -> None:
    """Queue the campaign that FILE describes; `zgoda serve` or `zgoda worker` sends it."""
    read = files.read(file)
    async with terminal.open() as workspace:
        database, ring, policies = workspace.database, workspace.ring, workspace.policies
        async with database.begin(terminal.caller()) as session:
            people = None
            if read.audience is not None:
                people = [await _one(session, ring, ref) for ref in read.audience]
            new = service.NewCampaign(read.purpose, read.channel, read.template, people)
            campaign_id = await service.create(session, ring, policies, new, workspace.settings.base_url)
        await service.fill(database, ring, policies, campaign_id, terminal.caller())
        async with database.begin(terminal.caller()) as session:
            made = await service.show(session, campaign_id)
    emit(terminal, shown(made), _table(made))


@campaign.command("show")
@click.argument("campaign_id", metavar="ID", type=click.UUID)
@prints_result
@runs
async def show(terminal: Terminal, campaign_id: UUID) -> None:
    """Show what became of a campaign's messages, by state and reason."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        found = await service.show(session, campaign_id)
    emit(terminal, shown(found), _table(found))


async def _one(session: Session, ring: KeyRing, ref: str) -> UUID:
    found = await contacts.resolve(session, ring, contacts.parse_reference(ref))
    if not found:
        raise NotFound("contact.unknown", "A person of the audience is not known.", field="audience")
    if len(found) > 1:
        raise Misuse("contact.ambiguous", "Several persons fit one entry of the audience.", field="audience")
    return found[0]


def _table(campaign: Campaign) -> Table:
    table = Table(
        "campaign", str(campaign.id), title=f"{campaign.purpose} by {campaign.channel}: {campaign.state}"
    )
    table.add_row("permitted", str(campaign.permitted))
    for reason, number in sorted(campaign.blocked.items()):
        table.add_row(f"blocked: {reason}", str(number))
    for state, number in campaign.messages.items():
        table.add_row(f"messages {state}", str(number))
        for reason, some in sorted(campaign.reasons.get(state, {}).items()):
            table.add_row(f"  {reason}", str(some))
    return table
