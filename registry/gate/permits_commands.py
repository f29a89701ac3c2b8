"""`zgoda permit`: permits issued, redeemed, given back and listed at the terminal of the server."""

from hashlib import sha256
from typing import IO
from uuid import UUID

import click

from registry.audit import entries as audit
from registry.contacts import queries as contacts
from registry.contacts.queries import parse_reference
from registry.gate import permits
from registry.gate.permits_model import DEFAULT_SECONDS, LONGEST_SECONDS, Issued, Redemption, Wanted
from registry.gate.permits_schemas import PermitAnswer, PermitStanding, Redeemed
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, as_json, emit, prints_result, reads_persons, runs
from registry.standing import merged
from registry.standing import permits as standing

_content = click.option("--content", type=click.File("rb"), help="The message itself; - is standard input.")
_hashed = click.option("--content-hash", metavar="HEX", help="Or its SHA-256.")


@click.group()
def permit() -> None:
    """Permits: leave for an engine outside to hand over one message."""


@permit.command("issue")
@click.argument("ref")
@click.argument("purpose_id", metavar="PURPOSE")
@click.argument("channel")
@_content
@_hashed
@click.option("--identifier", type=click.UUID, help="For this address only, by the identifier's id.")
@click.option(
    "--expires-in",
    type=click.FloatRange(1, LONGEST_SECONDS),
    default=DEFAULT_SECONDS,
    show_default=True,
    help="Seconds.",
)
@prints_result
@runs
async def issue(
    terminal: Terminal,
    ref: str,
    purpose_id: str,
    channel: str,
    content: IO[bytes] | None,
    content_hash: str | None,
    identifier: UUID | None,
    expires_in: float,
) -> None:
    """Ask whether a message may go to REF for PURPOSE on CHANNEL, and if so print a permit, once."""
    wanted = Wanted(
        parse_reference(ref), purpose_id, channel, _hash(content, content_hash), identifier, expires_in
    )
    async with terminal.open() as workspace:

        async def work(session: Session) -> Issued:
            return await permits.issue(session, workspace.ring, workspace.policies, wanted)

        done = PermitAnswer.of(await workspace.database.run(terminal.caller(), work))
    if done.permit is None:
        text = f"{done.decision.outcome}: {done.decision.reason} (decision {done.decision.decision_id})"
    else:
        text = f"{done.permit.token}\n(shown this once; until {done.permit.expires_at:%H:%M:%S} UTC, {done.permit.id})"
    emit(terminal, as_json(done), text)


@permit.command("redeem")
@click.argument("token")
@_content
@_hashed
@prints_result
@runs
async def redeem(terminal: Terminal, token: str, content: IO[bytes] | None, content_hash: str | None) -> int:
    """Ask at the moment of sending. Only `permit` is a yes, it is said once, and anything else ends with 3."""
    hashed = _hash(content, content_hash)
    async with terminal.open() as workspace:

        async def work(session: Session) -> Redemption:
            return await permits.redeem(session, workspace.ring, workspace.policies, token, hashed)

        done = await workspace.database.run(terminal.caller(), work)
    emit(terminal, as_json(Redeemed.of(done)), f"{done.outcome}: {done.reason}")
    # A shell that goes on after `&&` must not send what was refused.
    return 0 if done.permitted else 3


@permit.command("void")
@click.argument("named", metavar="TOKEN|ID")
@prints_result
@runs
async def void(terminal: Terminal, named: str) -> None:
    """Give a permit back, named by its token or its id."""
    async with terminal.open() as workspace:

        async def work(session: Session) -> PermitStanding:
            try:
                found = await standing.find_by_id(session, UUID(named))
            except ValueError:
                found = await standing.find(session, named)
            return PermitStanding.of(await permits.void(session, workspace.ring, found))

        done = await workspace.database.run(terminal.caller(), work)
    emit(terminal, as_json(done), f"{done.id}: {done.state}")


@permit.command("list")
@click.argument("ref", required=False)
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@reads_persons
@runs
async def list_(terminal: Terminal, ref: str | None, limit: int) -> None:
    """List the permits that are open, of REF or of everybody, the oldest first; tokens are kept nowhere."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        people = None
        if ref is not None:
            people = await contacts.resolve(session, workspace.ring, parse_reference(ref))
            if not people:
                raise NotFound("contact.unknown", "There is no such contact.")
            people = [record for one in people for record in await merged.of_person(session, one)]
        found = await standing.open_ones(session, people, limit)
        await audit.append(
            session,
            workspace.ring,
            "permit.read",
            subjects=list(dict.fromkeys(one.contact_id for one in found)),
            kinds=("standing",),
            detail={"permits": len(found)},
        )
    table = Table("id", "purpose", "channel", "issued", "expires")
    for one in found:
        issued, expires = f"{one.issued_at:%Y-%m-%d %H:%M:%S}", f"{one.expires_at:%H:%M:%S}"
        table.add_row(str(one.id), one.purpose, one.channel, issued, expires)
    emit(terminal, {"permits": [as_json(PermitStanding.of(one)) for one in found]}, table)


def _hash(content: IO[bytes] | None, content_hash: str | None) -> bytes:
    if (content is None) == (content_hash is None):
        raise Misuse(
            "content_hash.missing",
            "A permit is for one content.",
            field="--content",
            mend="give it, or its hash",
        )
    if content is not None:
        return sha256(content.read()).digest()
    try:
        return bytes.fromhex(content_hash or "")
    except ValueError:
        raise Misuse(
            "content_hash.invalid", "A content hash is the SHA-256 of the content.", field="--content-hash"
        ) from None
