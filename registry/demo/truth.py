"""What the sample's generator says may happen, against which the tour judges what did."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Truth:
    """truth.json, and the addresses that said no since."""

    people: list[dict[str, Any]]
    addresses: dict[str, dict[str, Any]]
    counts: dict[str, Any]
    withdrawn: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> "Truth":
        data = json.loads(path.read_text("utf-8"))
        return cls(data["people"], data["addresses"], data["counts"])

    def may_be_sent(self, address: str) -> bool:
        """Whether a mail to this address is allowed now."""
        address = address.lower()
        known = self.addresses.get(address)
        return known is not None and known["may_be_sent"] and address not in self.withdrawn

    def permitted(self) -> int:
        """Persons who may be reached now: at one of their addresses at least."""
        return sum(
            any(self.may_be_sent(address) for address in person["addresses"])
            for person in self.people
            if person["permitted"]
        )

    def to_blocked(self, delivered: Iterable[str]) -> int:
        """How many of these mails went where none may go."""
        return sum(not self.may_be_sent(address) for address in delivered)

    def repeated(self, delivered: Iterable[str]) -> int:
        """Mails beyond one for each person who has the address."""
        allowed = Counter(address for person in self.people for address in person["addresses"])
        return sum(max(0, n - allowed[address.lower()]) for address, n in Counter(delivered).items())
