"""`zgoda consent receipt` and `verify-receipt`: what a person is handed about one entry, and how anybody checks it."""

from typing import IO
from uuid import UUID

import click

from registry.audit import note
from registry.consents import acts, receipting, receipts
from registry.consents.data_integrity import DocumentInvalid
from registry.contacts.queries import parse_reference
from registry.kit.errors import Misuse, Refused
from registry.kit.terminal import Terminal, emit, prints_result, reads_persons, runs, terminal_of

SIZE_LIMIT = 1_000_000


@click.command("receipt")
@click.argument("ref")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@reads_persons
@runs
async def receipt(terminal: Terminal, ref: str, entry_id: UUID) -> None:
    """Print the signed receipt of ENTRY of REF (ISO/IEC TS 27560, JSON-LD): one line, and every byte of it counts."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        subject = await acts.subject(session, workspace.ring, parse_reference(ref))
        made = await receipting.receipt(
            session,
            workspace.ring,
            workspace.policies,
            workspace.settings.base_url,
            subject,
            entry_id,
        )
    # The receipt is its bytes: --json would print the same thing again, and not as it was signed.
    click.echo(made.decode())


@click.command("verify-receipt")
@click.argument("file", type=click.File("rb"))
@click.option("--key", "vkey", required=True, metavar="VKEY", help="The log's verifier key, from zgoda init.")
@prints_result
@click.pass_context
def verify(ctx: click.Context, file: IO[bytes], vkey: str) -> None:
    """Verify what `zgoda consent receipt` printed, with no database and no network."""
    try:
        verifier = note.Verifier.parse(vkey.strip())
        told = receipts.verify(file.read(SIZE_LIMIT), verifier)
    except note.KeyInvalid:
        raise Misuse("key.invalid", "That is no verifier key.", field="--key") from None
    except DocumentInvalid as error:
        why = str(error)
        raise Refused(
            "receipt.invalid",
            f"{why[:1].upper()}{why[1:]}.",
            field="FILE",
            mend="verify the bytes exactly as zgoda consent receipt printed them, with the key of that log",
        ) from None
    record = told["dpv:hasRecordOfActivity"]
    status = record["dpv:hasConsentStatus"][0]
    (process,) = record["dpv:hasProcess"]
    purpose = process["dpv:hasPurpose"]["dct:identifier"]
    state, entry = status["@type"][0].removeprefix("dpv:"), record["dct:identifier"].removeprefix("urn:uuid:")
    result = {
        "verified": True,
        "entry": entry,
        "state": state,
        "purpose": purpose,
        "controller": record["dpv:hasDataController"]["dpv:hasName"],
        "acted_at": status.get("dpv:isIndicatedAtTime"),
        "created": told["dct:created"],
        "recipients_as_of": process["zgoda:recipientsAndStorage"]["zgoda:asOf"],
    }
    text = f"verified: {state}, {purpose}, by entry {entry}, for {result['controller']}"
    emit(terminal_of(ctx), result, text)
