"""`zgoda contact merge|unmerge|change-address|merges`: records of one person, and a person's new address."""

from typing import Any
from uuid import UUID

import click

from registry.consents import acts, merging, readdressing
from registry.consents.merging import Merge
from registry.consents.readdressing import Changed
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import parse_reference
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.tables import Table
from registry.kit.terminal import REASON, Terminal, as_json, emit, naming, prints_result, reads_persons, runs
from registry.standing import merged


@click.command("merge")
@click.argument("ref")
@click.argument("other")
@reads_persons
@runs
async def merge(terminal: Terminal, ref: str, other: str) -> None:
    """Make OTHER a record of the person REF: what either said no to holds for both.

    Say with --reason how it is known that both are one person; it is kept with the merge.
    """
    if terminal.reason == REASON:
        raise Misuse(
            "reason.missing",
            "A merge needs a reason.",
            field="--reason",
            mend="say how it is known that both are one person",
        )
    reason = terminal.reason
    async with terminal.open() as workspace:
        ring, policies = workspace.ring, workspace.policies

        async def work(session: Session) -> Merge:
            with naming("ref"):
                surviving = await acts.one(session, ring, parse_reference(ref))
            with naming("other"):
                joining = await acts.one(session, ring, parse_reference(other))
            return await merging.merge(session, ring, policies, surviving, joining, reason)

        done = await workspace.database.run(terminal.caller(), work)
    text = f"merged: {done.merged} into {done.surviving} (merge {done.id}); {len(done.records)} records of one person"
    emit(terminal, as_json(done), text + _said(done.permits_voided))


@click.command("unmerge")
@click.argument("merge_id", metavar="MERGE", type=click.UUID)
@reads_persons
@runs
async def unmerge(terminal: Terminal, merge_id: UUID) -> None:
    """Undo MERGE: each record goes on with the no of both, and with its own yes."""
    async with terminal.open() as workspace:
        done = await workspace.database.run(
            terminal.caller(), lambda s: merging.unmerge(s, workspace.ring, workspace.policies, merge_id)
        )
    sides = " and ".join(", ".join(map(str, side)) for side in (done.surviving, done.merged))
    text = f"parted: {sides}; {done.carried} entries were carried over, each a no"
    emit(terminal, as_json(done), text + _said(done.permits_voided))


@click.command("merges")
@click.argument("ref")
@reads_persons
@runs
async def merges(terminal: Terminal, ref: str) -> None:
    """Show the merges of the person REF, undone ones too."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        contact_id = await acts.one(session, workspace.ring, parse_reference(ref))
        records = await merged.of_person(session, contact_id)
        found = await merging.told(session, workspace.ring, records)
    table = Table("merge", "record", "into", "since", "until", "reason")
    for one in found:
        until = f"{one.unmerged_at:%Y-%m-%d %H:%M}" if one.unmerged_at else ""
        table.add_row(
            str(one.id),
            str(one.merged),
            str(one.surviving),
            f"{one.merged_at:%Y-%m-%d %H:%M}",
            until,
            one.reason,
        )
    result = {"records": [str(one) for one in records], "merges": [as_json(one) for one in found]}
    emit(terminal, result, table)


@click.command("change-address")
@click.argument("ref")
@click.argument("old")
@click.argument("value", metavar="NEW")
@click.option("--by-person", is_flag=True, help="The person gave the new address here, at first hand.")
@click.option("--source", default="operator", show_default=True, help="From where it is known.")
@prints_result
@runs
async def change_address(
    terminal: Terminal, ref: str, old: str, value: str, by_person: bool, source: str
) -> None:
    """End OLD, an e-mail address or phone number of REF, and open NEW instead, unverified.

    No consent passes to the new address; every no does, also that of the old address itself.
    """
    kind = Kind.EMAIL if "@" in old else Kind.PHONE
    async with terminal.open() as workspace:
        ring, policies = workspace.ring, workspace.policies

        async def work(session: Session) -> Changed:
            with naming("ref"):
                contact_id = await acts.one(session, ring, parse_reference(ref))
            with naming("old"):
                held = await readdressing.find(session, ring, contact_id, normalise(kind, old))
            return await readdressing.change_address(
                session, ring, policies, contact_id, held, value, source=source, by_person=by_person
            )

        done = await workspace.database.run(terminal.caller(), work)
    ended = ", ".join(map(str, done.ended))
    text = f"changed: {done.identifier} instead of {ended}; {done.carried} entries carried over"
    emit(terminal, as_json(done), text + _said(done.permits_voided))


def _said(voided: list[Any]) -> str:
    ids = ", ".join(str(one.id) for one in voided)
    return f"\nPermits that were open and are void now: {ids}" if voided else ""
