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
from registry.keys import epochs
from registry.keys.ring import FileKeyRing, KeyEpochMissing, sync_folder, write_secret
from registry.kit import migrations, postgres, server_settings
from registry.kit.caller import OPERATOR, Caller
from registry.kit.config import Settings
from registry.kit.database import Database, Role, Session, Urls
from registry.kit.errors import Refused
from registry.kit.journal import FileJournal
from registry.kit.logging import log
from registry.kit.terminal import progress
from registry.policy import in_force, loader
from registry.policy import service as policy_service
from registry.policy.in_force import Bundle, Change
from registry.policy.model import PolicySet

_LOG = log("policy")
# One process at a time writes everybody's rows anew.
_FILLING = 7_016_550_241_904
_START = Caller(OPERATOR, reason="start")


def initialised(settings: Settings) -> bool:
    """Whether the data folder was made whole once; one that was cut off half-way is finished by another `init`."""
    return _marker(settings).exists()


def _marker(settings: Settings) -> Path:
    return settings.data / "installation.json"


@asynccontextmanager
async def opened(
    settings: Settings, *, initialise: bool = False, change: Change | None = None
) -> AsyncIterator[Workspace]:
    """The installation of `settings`, open for the time of the block, under the policies in force.

    `initialise=True` makes what is missing (folder, keys, database); otherwise a folder that was never
    initialised is refused (`data.not_initialised`) and nothing is made. The first policies come from the folder
    that the settings name; every later one by a `change`, however that folder may look since.
    """
    if not initialise and not initialised(settings):
        raise Refused("data.not_initialised", f"{settings.data} is not initialised.", mend="run zgoda init")
    settings = settings.addressed()
    if not initialised(settings):
        # Before anything is made: what cannot be used leaves nothing behind.
        await asyncio.to_thread(loader.load, settings.policies)
    postgres.prepare_folder(settings.data)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(_server(settings))
        await asyncio.to_thread(server_settings.check, urls)
        await asyncio.to_thread(migrations.upgrade, urls.owner)
        ring = await asyncio.to_thread(_ring, settings, urls)
        installed = await _install(settings, urls, ring, change)
        policies = installed.policies
        database = Database(
            urls,
            settle=partial(_settled, ring=ring, policies=policies, base_url=settings.base_url),
            journal=FileJournal(settings.journal_folder),
        )
        stack.push_async_callback(database.close)
        await database.open()
        if installed.unfilled:
            await _fill(database, ring, policies)
        if not initialised(settings):
            write_secret(_marker(settings), json.dumps({"format": 1, "made_by": __version__}).encode())
        yield Workspace(settings, database, ring, policies)


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


async def _install(
    settings: Settings, urls: Urls, ring: FileKeyRing, change: Change | None
) -> policy_service.Installed:
    """Record epochs and policies as the owner; the policies come back with this database's numbers."""
    database = Database(urls)
    try:
        async with database.begin(_START, Role.OWNER) as session:
            await epochs.ensure(session, ring)
            await _require_epochs(session, ring)
            await policy_service.lock(session)
            found = await in_force.current(session)
            if change is None and found is not None:
                if said := await asyncio.to_thread(in_force.differing, found, settings.policies):
                    _LOG.warning("policy.differs", folder=str(settings.policies or "shipped"), mend=said)
                policies, problems = await asyncio.to_thread(found.bundle.in_force)
                for problem in problems:
                    _LOG.warning("policy.refused_today", problem=str(problem))
                change = Change(found.bundle, found.author, found.reason)
            else:
                if change is None:
                    bundle = await asyncio.to_thread(Bundle.of, settings.policies)
                    change = Change(bundle, "operator", "start")
                in_force.refuse_overtaken(change, found)
                policies = await asyncio.to_thread(change.bundle.loaded)
            return await policy_service.install(
                session, ring, policies, author=change.author, reason=change.reason, bundle=change.bundle
            )
    finally:
        await database.close()


async def _settled(session: Session, *, ring: FileKeyRing, policies: PolicySet, base_url: str) -> None:
    """Write nothing that follows from policies which are in force no more: the projection asks for itself."""
    if session.steps:
        await in_force.require(session, policies)
        # Somebody may have to be written to, which takes templates and texts.
        from registry.dispatch import confirmations

        await confirmations.settle(session, ring, policies, base_url)
    else:
        from registry.consents import projection

        await projection.settle(session, policies)


async def _fill(database: Database, ring: FileKeyRing, policies: PolicySet) -> None:
    """Write everybody's rows anew where they do not follow from the policies; one process does it, others wait.

    Persons recorded before a purpose was thought of have no row for it yet, and without one are denied.
    """
    from registry.consents import projection
    from registry.contacts import coming_of_age

    async with await psycopg.AsyncConnection.connect(database.urls.owner, autocommit=True) as held:
        await held.execute("SELECT pg_advisory_lock(%s)", (_FILLING,))
        async with database.begin(_START, Role.OWNER) as session:
            if not await policy_service.unfilled(session, policies):
                return
            total = int(await session.value("SELECT count(*) FROM gate_row"))
            aged = await coming_of_age.is_current(session, policies)
        # Whoever began under the policies before may still write by them; what they wrote is written anew.
        await in_force.outlived(database, _START)
        if not aged:
            await coming_of_age.rebuild(database, ring, policies, _START)
        with progress("writing what the gate reads", total) as advance:
            done = 0

            def told(so_far: int) -> None:
                nonlocal done
                advance(so_far - done)
                done = so_far

            await projection.rebuild(database, _START, progress=told)
        async with database.begin(_START, Role.OWNER) as session:
            await policy_service.mark_filled(session, policies)


async def _require_epochs(session: Session, ring: FileKeyRing) -> None:
    """Refuse to start when persons' keys lie under an epoch that the ring lost: half the base would be unreadable."""
    have = {epoch.number for epoch in ring.live()}
    for row in await session.all("SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL"):
        if row.epoch not in have and await session.first(
            "SELECT 1 FROM person_key WHERE epoch = %s LIMIT 1", (row.epoch,)
        ):
            raise KeyEpochMissing(row.epoch)
