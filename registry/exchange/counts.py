"""What an import did, in numbers that a dry run gives alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """`created` counts persons, `dead` addresses, entries by kind; `rows`, `matched` and `rejected` count rows.

    `granted` are attested grants, `unknown` those without sufficient evidence, `repeated` entries that an earlier
    import recorded already. `dropped` says why parts of rows with a "no" were left out; those rows are taken.
    """

    rows: int = 0
    created: int = 0
    matched: int = 0
    granted: int = 0
    unknown: int = 0
    withdrawn: int = 0
    invalidated: int = 0
    dead: int = 0
    repeated: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.update(other.rejected)
        self.dropped.update(other.dropped)

    def told(self) -> dict[str, Any]:
        """For JSON: the numbers, `rejected` in all and `rejected_by` reason, `dropped_by` reason."""
        numbers: dict[str, Any] = {name: getattr(self, name) for name in _NUMBERS}
        return {
            **numbers,
            "rejected": self.rejected.total(),
            "rejected_by": dict(sorted(self.rejected.items())),
            "dropped_by": dict(sorted(self.dropped.items())),
        }

    @classmethod
    def from_told(cls, told: dict[str, Any]) -> Counts:
        numbers = {name: int(told.get(name, 0)) for name in _NUMBERS}
        rejected, dropped = (Counter(told.get(name, {})) for name in ("rejected_by", "dropped_by"))
        return cls(**numbers, rejected=rejected, dropped=dropped)


_NUMBERS = (
    "rows", "created", "matched", "granted", "unknown", "withdrawn", "invalidated", "dead", "repeated",
)  # fmt: skip
