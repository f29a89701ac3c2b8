"""A journal outside the database: what was taken away stays taken away, also when an old backup is restored."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class FileJournal:
    """Lines of JSON in one file a day; a line is on disk before the call returns.

    Callers that arrive while a write is under way share the next one and its fsync, and its failure.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._waiting: list[dict[str, Any]] = []
        self._next: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def __call__(self, records: list[dict[str, Any]]) -> None:
        """Write these records; raises OSError when they are not on disk."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            # Everybody of a batch may be cancelled: then nobody asks what became of it.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting.extend(records)
        written = self._next
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        # A caller that is cancelled takes nobody else's records along.
        await asyncio.shield(written)

    async def _write_all(self) -> None:
        while self._next is not None:
            batch, self._waiting = self._waiting, []
            written, self._next = self._next, None
            try:
                await asyncio.to_thread(self._write, batch)
            except BaseException as error:
                written.set_exception(error if isinstance(error, Exception) else OSError("not written"))
                if not isinstance(error, Exception):
                    raise
            else:
                written.set_result(None)

    def _write(self, records: list[dict[str, Any]]) -> None:
        path = self.folder / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
        fresh = not path.exists()
        left = "".join(json.dumps(record, default=str, sort_keys=True) + "\n" for record in records).encode()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
