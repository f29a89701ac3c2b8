"""A journal outside the database: what was taken away stays taken away, also when an old backup is restored."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class FileJournal:
    """Lines of JSON in one file a day; a line is on disk before the call returns.

    Callers that arrive while a write is under way share the next one and its fsync.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._waiting: list[dict[str, Any]] = []
        self._writing = asyncio.Lock()

    async def __call__(self, records: list[dict[str, Any]]) -> None:
        self._waiting.extend(records)
        async with self._writing:
            batch, self._waiting = self._waiting, []
            if batch:
                await asyncio.to_thread(self._write, batch)

    def _write(self, records: list[dict[str, Any]]) -> None:
        path = self.folder / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
        fresh = not path.exists()
        lines = "".join(json.dumps(record, default=str, sort_keys=True) + "\n" for record in records)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, lines.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
