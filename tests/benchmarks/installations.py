"""Installations to measure on: each in a folder and on an embedded, durable PostgreSQL of its own."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from registry.access import service as access
from registry.access.workspace import Workspace
from registry.keys.ring import FileKeyRing
from registry.kit import postgres
from registry.kit.caller import OPERATOR, Caller
from registry.kit.config import Settings
from registry.opening import opened

CALLER = Caller(OPERATOR, "operation", "benchmark")


class Place(NamedTuple):
    """An open installation in a folder that goes with it."""

    folder: Path
    workspace: Workspace

    @property
    def data(self) -> Path:
        return self.workspace.settings.data

    @property
    def log(self) -> Path:
        return self.folder / "log"

    async def key(self, kind: str) -> str:
        """A new API key that reaches everything its kind may reach."""
        policies = self.workspace.policies
        async with self.workspace.database.begin(CALLER) as session:
            assert isinstance(self.workspace.ring, FileKeyRing)
            _, key = await access.create_key(
                session, self.workspace.ring, kind, "benchmark", controllers=sorted(policies.controllers)
            )
        return key

    async def vacuum(self) -> None:
        """Statistics and visibility as autovacuum would leave them; no checkpoint falls into a measurement."""
        cluster = postgres.cluster_of(self.data)
        url = psycopg.conninfo.make_conninfo(cluster.superuser_url, dbname=postgres.DATABASE)
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
        async with connection:
            await connection.execute("VACUUM (ANALYZE)")
            await connection.execute("CHECKPOINT")


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A fresh installation; its server and its files end with the block."""
    with folder() as found:
        async with opened_in(found) as opened_place:
            yield opened_place


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one installation; it goes with the block."""
    found = Path(tempfile.mkdtemp(prefix="zgoda-bench-"))
    found.chmod(0o711)  # as root the embedded server is another user
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


@asynccontextmanager
async def opened_in(found: Path) -> AsyncIterator[Place]:
    """The installation in this folder, made if there is none; its server ends with the block."""
    async with opened(Settings(data=found / "data"), initialise=True) as workspace:
        yield Place(found, workspace)
