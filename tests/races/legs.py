"""Many interleavings as legs of a race, each on a fresh database: flat in memory and on disk, and resumable.

What a leg showed is appended to a file, so a run that was interrupted goes on where it was, as long as neither the
product nor the race was changed meanwhile; `tail -f` shows how far it is.
"""

import hashlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from registry.access.workspace import Workspace
from registry.keys.ring import FileKeyRing
from registry.kit.config import Settings
from registry.kit.database import Database, Role
from registry.kit.journal import FileJournal
from tests import installation
from tests.dispatch.people import CALLER
from tests.races.contest import contest
from tests.races.judging import Findings

# Persons of whom everything is in memory at a time, and waves on one database.
WAVE = 125
WAVES = 16
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def stage(server: installation.Server, folder: Path) -> AsyncIterator[Workspace]:
    """A fresh installation on a database of its own; both go with the block."""
    name, urls = server.create()
    keys = folder / "data" / "keys"
    shutil.copytree(server.keys, keys)
    (folder / "data" / "installation.json").write_text("{}")
    settings = Settings(
        data=folder / "data", database_url=urls.owner, app_url=urls.app, retention_url=urls.retention
    )
    database = Database(urls, settle=installation.settle, journal=FileJournal(settings.journal_folder))
    try:
        await database.open()
        yield Workspace(settings, database, FileKeyRing(keys), installation.policies())
    finally:
        await database.close()
        server.drop(name)
        shutil.rmtree(folder, ignore_errors=True)


async def run(
    server: installation.Server, folder: Path, wanted: int, *, kept: Path | None = None
) -> Findings:
    """Race until so many interleavings were seen; what `kept` says of earlier legs counts."""
    found = Findings()
    done = _done(kept) if kept else {}
    seed = 0
    while found.interleavings < wanted and not found.rejected:
        seed += 1
        if str(seed) in done:
            found.add(done[str(seed)])
            continue
        began = time.monotonic()
        leg = await _leg(server, folder / f"leg{seed}", seed, wanted - found.interleavings)
        found.add(leg)
        if kept:
            _keep(kept, seed, leg, time.monotonic() - began)
    return found


async def _leg(server: installation.Server, folder: Path, seed: int, wanted: int) -> Findings:
    leg = Findings()
    folder.mkdir(parents=True)
    async with stage(server, folder) as workspace:
        async with contest(workspace, folder / "race", seed=seed) as race:
            for _ in range(WAVES):
                leg.add(await race.wave(WAVE))
                if leg.interleavings >= wanted or leg.rejected:
                    break
        leg.deadlocks += await deadlocks(workspace)
    return leg


async def deadlocks(workspace: Workspace) -> int:
    """How many PostgreSQL counted on this database. Ask when those who worked on it have left: they tell it then."""
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        return int(
            await session.value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )


def fingerprint() -> str:
    """Of everything that a verdict depends on."""
    digest = hashlib.sha256()
    for folder in ("registry", "policies", "migrations", "tests/races"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".sql", ".toml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _done(kept: Path) -> dict[str, Findings]:
    """The legs that were run on the same code, by seed."""
    if not kept.exists():
        return {}
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    return {line["seed"]: Findings.of(line["findings"]) for line in lines if line["code"] == fingerprint()}


def _keep(kept: Path, seed: int, leg: Findings, seconds: float) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {
        "code": fingerprint(),
        "seed": str(seed),
        "seconds": round(seconds, 1),
        "findings": {**vars(leg), "operations": dict(leg.operations)},
    }
    with kept.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(told) + "\n")
