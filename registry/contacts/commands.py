"""`zgoda contact`: reading a person at the terminal of the server."""

import json
from typing import Any

import click
import msgspec
from rich.console import Group, RenderableType
from rich.table import Table

from registry.contacts import queries, reading
from registry.contacts.queries import parse_reference
from registry.contacts.schemas import Card
from registry.kit.terminal import Terminal, emit, reads_persons, runs
from registry.policy.rights import rights

# Whoever has the key ring at hand can open everything anyway, so the terminal masks nothing from an admin.
_ROLE = "admin"


@click.group()
def contact() -> None:
    """Persons: what is stored of them."""


@contact.command("show")
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
    emit(terminal, result, Group(*(_table(card) for card in cards)))


def as_json(card: Any) -> dict[str, Any]:
    """A schema's value as the API gives it."""
    told: dict[str, Any] = json.loads(msgspec.json.encode(card))
    return told


def _table(card: Card) -> RenderableType:
    table = Table(title=str(card.id), title_justify="left", show_header=False)
    for name in ("created_at", "source", "locale", "country", "subscriber", "restricted_at"):
        value = getattr(card, name)
        table.add_row(name, "" if value is None else str(value))
    for one in card.identifiers:
        ended = f", until {one.valid_to:%Y-%m-%d}" if one.valid_to else ""
        table.add_row(one.kind, f"{one.value}  ({one.mode}{ended}; {one.id})")
    for name, field in sorted(card.fields.items()):
        table.add_row(name, f"{field.value}  ({field.source})")
    return table


def register(group: click.Group) -> None:
    """Add the commands of this module."""
    group.add_command(contact)
