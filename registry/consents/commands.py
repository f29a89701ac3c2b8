"""`zgoda consent`: what a person did, recorded at the terminal of the server."""

import json
from dataclasses import replace
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import click

from registry.audit import note
from registry.audit.evidence import EvidenceInvalid
from registry.consents import acts, complaints, history, proof, proving
from registry.consents.ledger import ANY, EntryKind
from registry.consents.service import Recorded
from registry.consents.validation import VALID_ACTS, NewEntry
from registry.contacts.queries import Reference, parse_reference
from registry.kit import clock
from registry.kit.database import Session
from registry.kit.errors import Misuse, Refused
from registry.kit.ids import NIL
from registry.kit.instants import INSTANT
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, as_json, emit, prints_result, reads_persons, runs, terminal_of
from registry.policy.model import Grade


@click.command("grant")
@click.argument("ref")
@click.argument("purpose_id", metavar="PURPOSE")
@click.argument("channel")
@click.option("--act", required=True, type=click.Choice(sorted(VALID_ACTS)), help="How the person said yes.")
@click.option("--notice", type=click.IntRange(1), help="The version of the notice that the person saw.")
@click.option("--locale", help="The language in which they saw it.")
@click.option("--identifier", type=click.UUID, help="For which of the person's addresses, by its id.")
@click.option("--acted-at", type=INSTANT, help='When; left out, it is now. After a "no" it must be told.')
@click.option("--authority", type=click.UUID, help="The ground by which a child's parent agreed, by its id.")
@click.option("--source", default="operator", show_default=True, help="From where it is known.")
@prints_result
@runs
async def grant(
    terminal: Terminal,
    ref: str,
    purpose_id: str,
    channel: str,
    act: str,
    notice: int | None,
    locale: str | None,
    identifier: UUID | None,
    acted_at: datetime | None,
    authority: UUID | None,
    source: str,
) -> None:
    """Record that REF consented to PURPOSE on CHANNEL, for one address."""
    entry = NewEntry(
        contact_id=NIL,
        kind=EntryKind.GRANTED,
        purpose=purpose_id,
        channel=channel,
        grade=Grade.FIRST_PARTY,
        source=source,
        assignment_id=identifier,
        acted_at=acted_at or clock.now(),
        act=act,
        notice_version=notice,
        notice_locale=locale,
        authority=authority,
    )
    await _record(terminal, parse_reference(ref), entry, timed=acted_at is not None)


def _taking(name: str, kind: EntryKind, told: str) -> click.Command:
    """`withdraw`, `object` and `refuse` differ in what they record and in nothing else."""

    @click.command(
        name, help=f"Record that REF {told} PURPOSE on CHANNEL; left out, all marketing on all channels."
    )
    @click.argument("ref")
    @click.argument("purpose_id", metavar="[PURPOSE]", default=ANY)
    @click.argument("channel", metavar="[CHANNEL]", default=ANY)
    @click.option("--controller", help="Whose marketing, when no PURPOSE is named; left out, everybody's.")
    @click.option("--identifier", type=click.UUID, help="For this address only, by the identifier's id.")
    @click.option("--complaint", is_flag=True, help="A report as spam: an objection to all their marketing.")
    @click.option("--source", default="operator", show_default=True, help="From where it is known.")
    @prints_result
    @runs
    async def take(
        terminal: Terminal,
        ref: str,
        purpose_id: str,
        channel: str,
        controller: str | None,
        identifier: UUID | None,
        complaint: bool,
        source: str,
    ) -> None:
        entry = NewEntry(
            contact_id=NIL,
            kind=kind,
            purpose=purpose_id,
            channel=channel,
            grade=Grade.FIRST_PARTY,
            source=source,
            assignment_id=identifier,
            controller=controller,
            cause=complaints.COMPLAINT if complaint else kind.name.lower(),
        )
        await _record(terminal, parse_reference(ref), entry)

    return take


withdraw = _taking("withdraw", EntryKind.WITHDRAWN, "withdrew consent to")
object_ = _taking("object", EntryKind.OBJECTED, "objected to")
refuse = _taking("refuse", EntryKind.REFUSED, "refused")


async def _record(terminal: Terminal, reference: Reference, entry: NewEntry, *, timed: bool = True) -> None:
    """Record one act; a "no" to all marketing of nobody in particular is one to each controller."""
    async with terminal.open() as workspace:
        ring, policies = workspace.ring, workspace.policies
        if entry.cause == complaints.COMPLAINT:
            purpose = policies.purposes.get(entry.purpose)
            entry = complaints.complaint(entry, purpose.controller if purpose else entry.controller)
        everybody = entry.purpose == ANY and entry.controller is None
        each = [
            replace(entry, controller=controller)
            for controller in (policies.controllers if everybody else [entry.controller])
        ]

        async def work(session: Session) -> tuple[list[Recorded], list[Any], list[Any]]:
            made = [
                done
                for one in each
                for done in await acts.act(session, ring, policies, reference, one, timed=timed)
            ]
            return made, session.voided, session.in_flight

        recorded, voided, in_flight = await workspace.database.run(terminal.caller(), work)
    shown = [
        {
            "id": str(r.id),
            "contact": str(r.contact_id),
            "seq": r.seq,
            "recorded_at": r.recorded_at.isoformat(),
        }
        for r in recorded
    ]
    persons = len({r.contact_id for r in recorded})
    told = entry.kind.name.lower()
    result: dict[str, Any] = {"entries": shown}
    text = f"{told}: {len(recorded)} entries for {persons} persons"
    if entry.kind.takes_away:
        hours = workspace.settings.relay_queue_hours
        result["relay_queue_hours"] = hours
        text += f"\nNothing is sent from now on; what the mail relay had accepted may arrive for up to {hours} hours."
        result["permits_voided"] = [as_json(one) for one in voided]
        result["permits_in_flight"] = [as_json(one) for one in in_flight]
        if voided:
            text += f"\nPermits that were open and are void now: {', '.join(str(one.id) for one in voided)}"
        if in_flight:
            named = ", ".join(str(one.id) for one in in_flight)
            text += f"\nPermits redeemed just before, whose messages may still arrive: {named}"
    emit(terminal, result, text)


@click.command("history")
@click.argument("ref")
@click.option("--after", default=0, type=click.IntRange(0), help="Entries after this `seq`.")
@click.option("--limit", default=history.PAGE, show_default=True, type=click.IntRange(1, history.PAGE_LIMIT))
@reads_persons
@runs
async def show_history(terminal: Terminal, ref: str, after: int, limit: int) -> None:
    """Show the ledger of REF, oldest first."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        contact_id = await acts.subject(session, workspace.ring, reference)
        page = await history.page(session, workspace.ring, contact_id, after, limit)
    table = Table("seq", "kind", "controller", "purpose", "channel", "acted", "recorded", "grade", "source")
    for entry in page.entries:
        acted = f"{entry.acted_at:%Y-%m-%d %H:%M}" if entry.acted_at else "undated"
        table.add_row(
            str(entry.seq),
            entry.kind,
            entry.controller,
            entry.purpose,
            entry.channel,
            acted,
            f"{entry.recorded_at:%Y-%m-%d %H:%M}",
            entry.grade,
            entry.source,
        )
    emit(terminal, as_json(page), table)


@click.command("prove")
@click.argument("ref")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@reads_persons
@runs
async def prove(terminal: Terminal, ref: str, entry_id: UUID) -> None:
    """Print what proves ENTRY of REF offline, as JSON: the text shown, the evidence, its place in the signed log."""
    async with terminal.open() as workspace:
        async with workspace.database.begin(terminal.caller()) as session:
            contact_id = await acts.subject(session, workspace.ring, parse_reference(ref))
        document = await proving.prove(
            workspace.database, workspace.ring, terminal.caller(), contact_id, entry_id
        )
    emit(terminal, document, json.dumps(document, ensure_ascii=False, indent=1))


@click.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--key", "vkey", required=True, metavar="VKEY", help="The log's verifier key, from zgoda init.")
@prints_result
@click.pass_context
def verify(ctx: click.Context, file: IO[bytes], vkey: str) -> None:
    """Verify what `zgoda consent prove` printed, with no database and no network."""
    try:
        document = json.load(file)
        proven = proof.verify(document, note.Verifier.parse(vkey.strip()))
    except note.KeyInvalid:
        raise Misuse("key.invalid", "That is no verifier key.", field="--key") from None
    except (EvidenceInvalid, ValueError, KeyError, TypeError, AttributeError) as error:
        why = (
            str(error)
            if isinstance(error, EvidenceInvalid)
            else "the file is not what `consent prove` prints"
        )
        raise Refused("consent.unproven", f"{why[:1].upper()}{why[1:]}.") from None
    result = {"verified": True, "entry": dict(proven.entry), "size": proven.size, "leaf": proven.leaf_index}
    text = f"verified: entry {proven.entry['id']} stands as leaf {proven.leaf_index} under a head of {proven.size}"
    emit(terminal_of(ctx), result, text)
