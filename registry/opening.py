"""Opens an installation: server, checks, migrations, key ring, policies, connections, in this order, for everybody."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import psycopg

from registry import __version__
from registry.access.workspace import Workspace
from registry.consents import projection
from registry.keys import epochs
from registry.keys.ring import FileKeyRing, KeyEpochMissing, sync_folder, write_secret
from registry.kit import migrations, postgres, server_settings
from registry.kit.caller import OPERATOR, Caller
from registry.kit.config import Settings
from registry.kit.database import Database, Role, Session, Urls
from registry.kit.errors import Refused
from registry.kit.journal import FileJournal
from registry.policy import loader
from registry.policy import service as policy_service
from registry.policy.model import PolicySet

_START = Caller(OPERATOR, reason="start")


def initialised(settings: Settings) -> bool:
    """Whether the data folder was made whole once; one that was cut off half-way is finished by another `init`."""
    return _marker(settings).exists()


def _marker(settings: Settings) -> Path:
    return settings.data / "installation.json"


@asynccontextmanager
async def opened(settings: Settings, *, initialise: bool = False) -> AsyncIterator[Workspace]:
    """The installation of `settings`, open for the time of the block.

    `initialise=True` makes what is missing (folder, keys, database); otherwise a folder that was never
    initialised is refused (`data.not_initialised`) and nothing is made.
    """
    if not initialise and not initialised(settings):
        raise Refused("data.not_initialised", f"{settings.data} is not initialised.", mend="run zgoda init")
    policies = await asyncio.to_thread(loader.load, settings.policies)
    postgres.prepare_folder(settings.data)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(_server(settings))
        await asyncio.to_thread(server_settings.check, urls)
        await asyncio.to_thread(migrations.upgrade, urls.owner)
        ring = await asyncio.to_thread(_ring, settings, urls)
        installed = await _install(urls, ring, policies)
        policies = installed.policies
        database = Database(
            urls,
            settle=partial(projection.settle, policies=policies),
            journal=FileJournal(settings.journal_folder),
        )
        stack.push_async_callback(database.close)
        await database.open()
        if installed.unfilled:
            # Persons recorded before a purpose was thought of have no row for it yet, and without one are denied.
            await projection.rebuild(database, _START)
            async with database.begin(_START, Role.OWNER) as session:
                await policy_service.mark_filled(session, policies)
        if not initialised(settings):
            write_secret(_marker(settings), json.dumps({"format": 1, "made_by": __version__}).encode())
        yield Workspace(settings.addressed(), database, ring, policies)


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Urls]:
    if settings.embedded:
        async with postgres.embedded(settings.data) as urls:
            yield urls
    else:
        if settings.database_url is None or settings.app_url is None or settings.retention_url is None:
            raise RuntimeError("settings were not checked")
        yield Urls(settings.database_url, settings.app_url, settings.retention_url)


def _ring(settings: Settings, urls: Urls) -> FileKeyRing:
    if (settings.keys_folder / "log.key").exists():
        return FileKeyRing(settings.keys_folder)
    with psycopg.connect(urls.owner) as connection:
        if connection.execute("SELECT 1 FROM key_epoch").fetchone():
            raise Refused(
                "keys.ring_missing",
                "The database was written with a key ring that is not in the data folder.",
                mend=f"restore the newest key export into {settings.keys_folder}",
            )
    # Made under another name, so that one cut off half-way is no ring.
    making = settings.keys_folder.with_name("keys.new")
    shutil.rmtree(making, ignore_errors=True)
    FileKeyRing.create(making)
    making.rename(settings.keys_folder)
    sync_folder(settings.data)
    return FileKeyRing(settings.keys_folder)


async def _install(urls: Urls, ring: FileKeyRing, policies: PolicySet) -> policy_service.Installed:
    """Record epochs and policies as the owner; the policies come back with this database's numbers."""
    database = Database(urls)
    try:
        async with database.begin(_START, Role.OWNER) as session:
            await epochs.ensure(session, ring)
            await _require_epochs(session, ring)
            installed = await policy_service.install(
                session, ring, policies, author="operator", reason="start"
            )
    finally:
        await database.close()
    return installed


async def _require_epochs(session: Session, ring: FileKeyRing) -> None:
    """Refuse to start when persons' keys lie under an epoch that the ring lost: half the base would be unreadable."""
    have = {epoch.number for epoch in ring.live()}
    for row in await session.all("SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL"):
        if row.epoch not in have and await session.first(
            "SELECT 1 FROM person_key WHERE epoch = %s LIMIT 1", (row.epoch,)
        ):
            raise KeyEpochMissing(row.epoch)
