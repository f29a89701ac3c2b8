"""`zgoda init`: makes an installation once: folder, keys, database, policies, and the first admin key."""

import asyncio
from contextlib import ExitStack

import click

from registry.access import service as access
from registry.audit import sealer
from registry.kit import postgres
from registry.kit.config import Settings
from registry.kit.errors import Refused
from registry.kit.terminal import Terminal, emit, prints_result, runs
from registry.opening import initialised, opened


@click.command()
@prints_result
@runs
async def init(terminal: Terminal) -> None:
    """Make the data folder, its keys and its database, and print the first admin key, once."""
    settings = terminal.settings
    _require_new(settings)
    postgres.prepare_folder(settings.data)
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, postgres.exclusive(settings.data / "init.lock"))
        _require_new(settings)
        async with opened(settings, initialise=True) as workspace:
            async with workspace.database.begin(terminal.caller()) as session:
                _, admin_key = await access.create_key(session, workspace.ring, "admin", "first admin key")
                log_vkey = await sealer.vkey(session, workspace.ring)
    emit(
        terminal,
        {"data": str(settings.data), "admin_key": admin_key, "log_vkey": log_vkey},
        f"Initialised {settings.data}.\n\n"
        f"Admin key, shown this once:\n  {admin_key}\n\n"
        f"Key that verifies the audit log, for your auditor:\n  {log_vkey}\n\n"
        f"Keep {settings.keys_folder} in a backup of its own: without it nothing in the database can be read.\n"
        "Next: zgoda serve",
    )


def _require_new(settings: Settings) -> None:
    if initialised(settings):
        raise Refused(
            "data.initialised",
            f"{settings.data} is initialised already.",
            mend="zgoda apikey create --kind admin --name NAME makes another key",
        )
