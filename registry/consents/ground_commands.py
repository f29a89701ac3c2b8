"""`zgoda ground`: facts other than consent, recorded at the terminal of the server."""

from typing import Any
from uuid import UUID

import click

from registry.consents import acts
from registry.consents.ground_service import NewGround
from registry.consents.grounds import KINDS
from registry.contacts.queries import parse_reference
from registry.kit.errors import Misuse
from registry.kit.ids import NIL
from registry.kit.instants import INSTANT
from registry.kit.terminal import Terminal, emit, prints_result, runs


@click.group()
def ground() -> None:
    """Facts other than consent that a basis or a channel ground rests on."""


@ground.command("record")
@click.argument("ref")
@click.option("--kind", required=True, type=click.Choice(KINDS))
@click.option("--controller", required=True, help="The legal entity with which it happened.")
@click.option("--occurred-at", required=True, type=INSTANT)
@click.option("--ends-at", type=INSTANT, help="When a contract ends.")
@click.option("--product", "products", multiple=True, help="A category of what was sold; repeatable.")
@click.option(
    "--opt-out-offered", is_flag=True, help="An opt-out was offered when the address was collected."
)
@click.option("--collected-in-sale", is_flag=True, help="The address of REF was got in this sale.")
@click.option("--identifier", type=click.UUID, help="That address, by its id, when REF names none.")
@click.option(
    "--evidence", multiple=True, metavar="NAME=TEXT", help="What shows it, kept sealed; repeatable."
)
@click.option("--source", default="operator", show_default=True)
@prints_result
@runs
async def record_ground(
    terminal: Terminal, ref: str, identifier: UUID | None, evidence: tuple[str, ...], **facts: Any
) -> None:
    """Record a fact about REF: a sale, a contract, a parent's authority, a sign of life.

    A parental_authority needs --evidence holder=... and --evidence method=...: who agreed, and how that is known.
    """
    reference = parse_reference(ref)
    facts["products"] = tuple(facts["products"])
    facts["evidence"] = dict(_evidence(text) for text in evidence) or None
    new = NewGround(contact_id=NIL, assignment_id=identifier, **facts)
    async with terminal.open() as workspace:
        made = await workspace.database.run(
            terminal.caller(),
            lambda s: acts.record_ground(s, workspace.ring, workspace.policies, reference, new),
        )
    emit(terminal, {"id": str(made)}, f"recorded: {made}")


def _evidence(text: str) -> tuple[str, str]:
    name, equals, told = text.partition("=")
    if not equals or not name.isidentifier():
        raise Misuse("usage.wrong", "Evidence is given as NAME=TEXT.", field="--evidence")
    return name, told
