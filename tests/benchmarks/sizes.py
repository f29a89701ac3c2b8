"""How much is measured: enough for the figures to stand still, or just enough to show their shape."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Persons, rounds and seconds of every measurement."""

    rounds: int = 5
    seconds: float = 4.0
    warm_seconds: float = 1.0
    connections: int = 64
    checked_persons: int = 20_000
    bulk_persons: int = 1_000_000
    imported_persons: int = 50_000
    mailed_persons: int = 10_000
    withdrawals: int = 1_000


QUICK = Sizes(
    rounds=1,
    seconds=0.25,
    warm_seconds=0.1,
    connections=16,
    checked_persons=200,
    bulk_persons=5_000,
    imported_persons=500,
    mailed_persons=200,
    withdrawals=40,
)
