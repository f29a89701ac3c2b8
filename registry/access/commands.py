"""`zgoda apikey`: making, listing and revoking keys at the terminal of the server."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from registry.access import service
from registry.access.authentication import CACHED_SECONDS
from registry.access.credentials import KINDS
from registry.access.principals import EVERYWHERE
from registry.access.service import KeyRecord
from registry.kit.errors import Misuse
from registry.kit.instants import INSTANT
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, runs


@click.group()
def apikey() -> None:
    """API keys: who may call, as which role, for which purposes."""


@apikey.command("create")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="The role that the key has.")
@click.option("--name", required=True, help="What you will know it by; not a person's name.")
@click.option(
    "--controller", "controllers", multiple=True, help="Only purposes of this controller; repeatable."
)
@click.option("--purpose", "purposes", multiple=True, help="Only this purpose; repeatable.")
@click.option("--expires", type=INSTANT, help="When it ends; left out, never.")
@prints_result
@runs
async def create(
    terminal: Terminal,
    kind: str,
    name: str,
    controllers: tuple[str, ...],
    purposes: tuple[str, ...],
    expires: datetime | None,
) -> None:
    """Make a key and show it, once.

    A key for engine, marketer or write that names neither controller nor purpose reaches the purposes that are
    live today, written down one by one: a purpose that is added later is open to no key before it is named.
    """
    async with terminal.open() as workspace:
        _known("controller", controllers, workspace.policies.controllers)
        _known("purpose", purposes, workspace.policies.purposes)
        if kind not in EVERYWHERE and not controllers and not purposes:
            purposes = tuple(workspace.policies.purposes)
        async with workspace.database.begin(terminal.caller()) as session:
            record, key = await service.create_key(
                session, workspace.ring, kind, name, controllers, purposes, expires
            )
    emit(terminal, {"key": key, **_shown(record)}, f"{key}\n(shown this once; kind {kind}, id {record.id})")


@apikey.command("list")
@prints_result
@runs
async def list_(terminal: Terminal) -> None:
    """List all keys, without the keys."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        records = await service.list_keys(session)
    table = Table("id", "kind", "name", "purposes", "controllers", "expires", "revoked")
    for record in records:
        shown = _shown(record)
        table.add_row(
            shown["id"],
            record.kind,
            record.name,
            ", ".join(record.purposes) or ("all" if record.kind in EVERYWHERE else "-"),
            ", ".join(record.controllers) or "-",
            shown["expires_at"] or "never",
            shown["revoked_at"] or "-",
        )
    emit(terminal, {"keys": [_shown(record) for record in records]}, table)


@apikey.command("revoke")
@click.argument("key_id", type=click.UUID)
@prints_result
@runs
async def revoke(terminal: Terminal, key_id: UUID) -> None:
    """End a key. A running server follows within a few seconds."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        record = await service.revoke_key(session, workspace.ring, key_id)
    emit(terminal, _shown(record), f"Revoked; a running server refuses it within {CACHED_SECONDS:g} s.")


def _known(option: str, named: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(named) - set(known)):
        raise Misuse(
            f"{option}.unknown",
            f"There is no {option} {unknown[0]!r}.",
            field=f"--{option}",
            mend="zgoda policy list",
        )


def _shown(record: KeyRecord) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "kind": record.kind,
        "name": record.name,
        "controllers": list(record.controllers),
        "purposes": list(record.purposes),
        "created_at": record.created_at.isoformat(),
        "expires_at": record.expires_at.isoformat() if record.expires_at else None,
        "revoked_at": record.revoked_at.isoformat() if record.revoked_at else None,
    }
