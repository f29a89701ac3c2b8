"""What every channel answers: whether a message was handed over, and if not, whether it may be tried again."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Handed:
    """The other side took responsibility; `reply` is its answer without personal data."""

    reply: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The other side refused. `permanent` decides whether it is tried again; `code` is its status."""

    permanent: bool
    code: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """Nothing that could become a message reached the other side: it goes back to the queue."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message was on the wire and no answer came: it may have been taken."""

    reason: str


Result = Handed | Rejected | Unreached | Unknown


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message for the wire: from, to, and the exact bytes."""

    sender: str
    recipient: str
    content: bytes


class Transport(Protocol):
    """A channel's way out. `width` is how many messages it hands over at the same time."""

    @property
    def width(self) -> int: ...

    async def open(self) -> None:
        """Connect; Unavailable with one clear line when the other side does not answer."""

    async def ready(self) -> int:
        """How many connections stand open, reconnecting those that are lost; 0 when nobody answers."""

    async def hand(self, parcel: Parcel) -> Result:
        """Hand one message over and wait for the answer; never raises for what the other side does."""

    async def close(self) -> None:
        """Leave politely."""
