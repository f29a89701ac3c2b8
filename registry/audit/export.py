"""`zgoda audit export`: the whole log as one file that anybody verifies without a database.

The file is JSON lines, written as a stream. The first holds the newest checkpoint; then come, in the order of
the log, a tile of 256 leaf hashes before its leaves, every entry with its exact bytes, and every checkpoint
that was signed behind the leaves that it covers. `verify.py` reads it.
"""

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from registry.audit import entries, queries, sealer, tiles
from registry.audit.checkpoint import Checkpoint
from registry.audit.verify import FORMAT
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Row
from registry.kit.errors import Refused, Unavailable

WAIT_SECONDS = 60.0
_STEP = 20 * tiles.WIDTH


async def export(
    database: Database, ring: KeyRing, caller: Caller, target: Path, *, wait: float = WAIT_SECONDS
) -> Checkpoint:
    """Write the log to `target`, up to and with everything that was committed before the call.

    The export is an entry of its own in what it writes. `target` appears whole or not at all; returns the
    checkpoint that it ends with. Unavailable `log.held`: a transaction that began before has not ended within
    `wait` seconds. Refused `file.unwritable`.
    """
    async with database.begin(caller) as session:
        await entries.append(session, ring, "audit.export")
    try:
        head = await sealed_through_now(database, ring, caller, wait=wait)
    except Refused as error:
        # A damaged log is exported as it is, for the verifier to say where.
        if error.code != "log.damaged":
            raise
        head = await _signed_last(database, caller)
    partial = target.with_name(f"{target.name}.partial")
    try:
        with partial.open("wb") as file:
            async for line in lines(database, caller, head):
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused(
            "file.unwritable",
            f"{target} cannot be written: {error.strerror}.",
            field="file",
            mend="name a file in a folder that exists and may be written to",
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return head


async def _signed_last(database: Database, caller: Caller) -> Checkpoint:
    async with database.begin(caller) as session:
        head = await queries.latest(session)
    if head is None:
        raise Refused("log.damaged", "The stored log has no signed head.")
    return head


async def sealed_through_now(
    database: Database, ring: KeyRing, caller: Caller, *, wait: float = WAIT_SECONDS
) -> Checkpoint:
    """Seal, or wait for whoever seals, until all that is committed now stands under a checkpoint."""
    async with database.begin(caller) as session:
        last = await session.value("SELECT coalesce(max(id), 0) FROM audit_entry")
    deadline = time.monotonic() + wait
    while True:
        await sealer.seal(database, ring)
        async with database.begin(caller) as session:
            waiting, head = await queries.unsealed(session, last), await queries.latest(session)
        if head is not None and not waiting:
            return head
        if time.monotonic() > deadline:
            raise Unavailable(
                "log.held",
                "A transaction that is still running holds up the log.",
                mend="end it (pg_stat_activity, oldest backend_xid) and try again",
            )
        await asyncio.sleep(0.05)


async def lines(database: Database, caller: Caller, head: Checkpoint) -> AsyncIterator[bytes]:
    """The lines of the file, each with its newline. What is below a head never changes, so no lock is held."""
    yield _line({"format": FORMAT, "checkpoint": head.note})
    signed = 0
    for first in range(0, head.size, _STEP):
        count = min(_STEP, head.size - first)
        async with database.begin(caller) as session:
            rows = {row.leaf_index: row for row in await queries.entries(session, first, count)}
            wanted = range(first // tiles.WIDTH, (first + count - 1) // tiles.WIDTH + 1)
            hashes = await queries.hash_tiles(session, [(0, index) for index in wanted])
            passed = {each.size: each for each in await queries.checkpoints(session, signed, count)}
        for index in range(first, first + count):
            if index % tiles.WIDTH == 0:
                yield _tile(index // tiles.WIDTH, head.size, hashes)
            yield _entry(index, rows.get(index))
            if index + 1 in passed and index + 1 < head.size:
                signed = index + 1
                yield _line({"checkpoint": passed[signed].note})


def _tile(index: int, size: int, hashes: dict[tuple[int, int], bytes]) -> bytes:
    tile = tiles.Tile(0, index, tiles.width_at(size, 0, index))
    held = hashes.get((0, index), b"")[: tile.width * 32]
    return _line({"tile": tile.path(), "hashes": base64.b64encode(held).decode()})


def _entry(index: int, row: Row | None) -> bytes:
    """A leaf: its bytes verbatim after `"entry":` where they are JSON, else (somebody changed them) in base64."""
    if row is None or row.body is None:
        return _line({"index": index, "id": None if row is None else row.entry_id, "missing": True})
    raw = bytes(row.body)
    stored = base64.b64encode(bytes(row.hash)).decode()
    try:
        whole = b"\n" not in raw and b"\r" not in raw and isinstance(json.loads(raw.decode()), dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        told = {"index": index, "id": row.entry_id, "hash": stored, "bytes": base64.b64encode(raw).decode()}
        return _line(told)
    return f'{{"index":{index},"id":{row.entry_id},"hash":"{stored}","entry":'.encode() + raw + b"}\n"


def _line(value: dict[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
