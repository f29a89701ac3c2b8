"""What the sample's generator says may happen, against which the tour judges what did."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Truth:
    """truth.json, and who left since."""

    people: list[dict[str, Any]]
    addresses: dict[str, dict[str, Any]]
    counts: dict[str, Any]
    withdrawn: set[str] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    holders: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, path: Path) -> "Truth":
        data = json.loads(path.read_text("utf-8"))
        truth = cls(data["people"], data["addresses"], data["counts"])
        for number, person in enumerate(truth.people):
            for address in person["addresses"]:
                truth.holders[address].append(number)
        return truth

    def may_leave(self, address: str) -> bool:
        """Whether a click in a mail to this address tells who left: nobody shares it."""
        return len(self.holders[address.lower()]) == 1

    def leave(self, address: str) -> None:
        """The reader of a mail to `address` said no: nothing more to this address, nor to this person's others."""
        self.withdrawn.add(address.lower())
        self.left.update(self.holders[address.lower()])

    def may_be_sent(self, address: str) -> bool:
        """Whether a mail to this address is allowed now."""
        address = address.lower()
        known = self.addresses.get(address)
        return (
            known is not None
            and known["may_be_sent"]
            and address not in self.withdrawn
            and any(holder not in self.left for holder in self.holders[address])
        )

    def permitted(self) -> int:
        """Persons who may be reached now: at one of their addresses at least."""
        return sum(
            number not in self.left
            and person["permitted"]
            and any(self.may_be_sent(address) for address in person["addresses"])
            for number, person in enumerate(self.people)
        )

    def to_blocked(self, delivered: Iterable[str]) -> int:
        """How many of these mails went where none may go."""
        return sum(not self.may_be_sent(address) for address in delivered)

    def repeated(self, delivered: Iterable[str]) -> int:
        """Mails beyond one for each person who has the address."""
        counted = Counter(address.lower() for address in delivered)
        return sum(max(0, number - len(self.holders[address])) for address, number in counted.items())
