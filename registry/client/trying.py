"""How often a call is tried, and how long is waited between. Pure: what sleeps and what sends lies elsewhere."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

# What a server, or a proxy before it, answers when the same request may succeed a moment later.
AGAIN = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts` in all, waiting `first` seconds, then twice as long each time, never more than `longest`.

    Every attempt of one call carries the same Idempotency-Key, so what was carried out is not carried out again.
    """

    attempts: int = 3
    first: float = 0.1
    longest: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("a call is tried at least once")

    def pause(self, attempt: int, headers: Mapping[str, str] | None = None) -> float | None:
        """Seconds to wait after the attempt of this number (from 1); None when it was the last.

        A server's own `Retry-After`, in seconds, counts for more than ours, within `longest`. Half of the pause is
        chance, so that those who were turned away together do not come back together.
        """
        if attempt >= self.attempts:
            return None
        pause = self.first * (1 << (attempt - 1))
        told = (headers or {}).get("retry-after", "")
        if told.isascii() and told.isdigit():
            pause = max(pause, float(told))
        return min(pause, self.longest) * random.uniform(0.5, 1.0)
