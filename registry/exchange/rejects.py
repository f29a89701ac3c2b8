"""The file of rows that were not taken: appended batch by batch, cut back to what was committed after a crash."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

from registry.exchange.rows import Reject

_HEADER = ("file", "row", "reason")


class RejectFile:
    """CSV of file, row and reason; the row's cells as JSON only when asked for, for they are personal data."""

    def __init__(self, path: Path, with_values: bool, size: int) -> None:
        """Go on at `size` bytes, which is what the last committed batch left; 0 starts anew."""
        self.path = path
        self._with_values = with_values
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.size = min(size, os.fstat(self._file).st_size)
        os.ftruncate(self._file, self.size)
        if self.size == 0:
            self.append([])

    def append(self, rejects: Sequence[Reject], at: int | None = None) -> int:
        """Write rejects, from byte `at` on if given (a batch done again); on disk when this returns the new size."""
        self.size = self.size if at is None else at
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        if self.size == 0:
            writer.writerow((*_HEADER, "values") if self._with_values else _HEADER)
        for reject in rejects:
            cells = (json.dumps(reject.cells, ensure_ascii=True),) if self._with_values else ()
            writer.writerow((reject.file, reject.row, reject.reason, *cells))
        told = text.getvalue().encode()
        if told:
            os.ftruncate(self._file, self.size)
            os.pwrite(self._file, told, self.size)
            os.fsync(self._file)
            self.size += len(told)
        return self.size

    def close(self) -> None:
        os.close(self._file)
