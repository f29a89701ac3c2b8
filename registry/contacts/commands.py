"""`zgoda contact`: reading a person at the terminal of the server."""

from uuid import UUID

import click

from registry.contacts import preferences, queries, reading
from registry.contacts.queries import parse_reference
from registry.contacts.schemas import Card
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.tables import Table, Tables
from registry.kit.terminal import Terminal, as_json, emit, prints_result, reads_persons, runs
from registry.policy.rights import rights
from registry.policy.schedule import Part

# Whoever has the key ring at hand can open everything anyway, so the terminal masks nothing from an admin.
_ROLE = "admin"


@click.command("show")
@click.argument("ref")
@reads_persons
@runs
async def show(terminal: Terminal, ref: str) -> None:
    """Show what is stored of the person REF; several persons when they share an address."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace:
        role = rights(workspace.policies).roles[_ROLE]
        async with workspace.database.begin(terminal.caller()) as session:
            found = await queries.resolve(session, workspace.ring, reference)
            if not found:
                raise reading.ContactUnknown
            cards = await reading.show(session, workspace.ring, role, found)
    shown = [as_json(card) for card in cards]
    result = shown[0] if len(shown) == 1 else {"contacts": shown}
    emit(terminal, result, Tables(map(_table, cards)))


@click.command("prefer")
@click.argument("ref")
@click.option("--channel", help="The channel that the person prefers.")
@click.option(
    "--part",
    type=click.Choice([part.name.lower() for part in Part]),
    default="any",
    show_default=True,
    help="The part of the day; marketing at other hours waits for it.",
)
@click.option("--time-zone", help="The person's clock, such as Europe/Riga; else that of their country.")
@prints_result
@runs
async def prefer(terminal: Terminal, ref: str, channel: str | None, part: str, time_zone: str | None) -> None:
    """Keep how the person REF would rather be reached, in place of what was kept before."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace:

        async def work(session: Session) -> UUID:
            found = await queries.resolve(session, workspace.ring, reference)
            if not found:
                raise reading.ContactUnknown
            if len(found) > 1:
                raise Refused(
                    "contact.ambiguous",
                    "Several persons have this address.",
                    mend="name one by our id or by external:ID",
                )
            await preferences.prefer(
                session,
                workspace.ring,
                workspace.policies,
                found[0],
                channel=channel,
                part=Part[part.upper()],
                time_zone=time_zone,
            )
            return found[0]

        contact_id = await workspace.database.run(terminal.caller(), work)
    told = {"contact": str(contact_id), "channel": channel, "part_of_day": part, "time_zone": time_zone}
    emit(terminal, told, f"{contact_id}: {channel or 'any channel'}, {part} hours")


def _table(card: Card) -> Table:
    table = Table(title=str(card.id), title_justify="left", show_header=False)
    for name in ("created_at", "source", "locale", "country", "subscriber", "restricted_at"):
        value = getattr(card, name)
        table.add_row(name, "" if value is None else str(value))
    liked = card.preferences
    if liked.channel or liked.part_of_day != "any" or liked.time_zone:
        said = [liked.channel, f"{liked.part_of_day} hours", liked.time_zone]
        table.add_row("prefers", ", ".join(one for one in said if one))
    for record in card.merged:
        table.add_row("merged", str(record))
    for one in card.identifiers:
        ended = f", until {one.valid_to:%Y-%m-%d}" if one.valid_to else ""
        table.add_row(one.kind, f"{one.value}  ({one.mode}{ended}; {one.id})")
    for name, field in sorted(card.fields.items()):
        table.add_row(name, f"{field.value}  ({field.source})")
    return table
