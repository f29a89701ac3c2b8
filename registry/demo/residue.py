"""Looks for persons' values in every byte that is left: the data folder, its WAL, and an earlier copy."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from registry.keys.ring import FileKeyRing
from registry.kit import postgres
from registry.subject_requests import residue
from registry.subject_requests.residue import Wanted


@dataclass(frozen=True, slots=True)
class Residue:
    """The bytes of one installation and of a copy of its database that was made earlier."""

    data: Path
    copied: Path

    async def copy(self) -> None:
        """Copy the database's files as a backup would, all of them on disk before."""
        await asyncio.to_thread(self._checkpoint)
        await asyncio.to_thread(
            shutil.copytree, self.data / "postgres", self.copied, ignore_dangling_symlinks=True
        )

    def _checkpoint(self) -> None:
        with postgres.embedded_blocking(self.data):
            url = postgres.cluster_of(self.data).superuser_url
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CHECKPOINT")

    async def found(self, values: set[Wanted]) -> set[str]:
        """Which of these values can be read, raw or with any key that still exists."""
        await asyncio.to_thread(self._checkpoint)
        epochs = FileKeyRing(self.data / "keys").live()
        report = await asyncio.to_thread(residue.scan, [self.data, self.copied], values, epochs)
        return set(report.found)
