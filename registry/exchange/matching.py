"""Decides which person a row is about: by external id, else by an address that one person alone has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from registry.contacts.identifiers import Identifier
from registry.exchange.rows import Row, names_conflict

Person = TypeVar("Person", bound=Hashable)


@dataclass(slots=True, eq=False)
class Known(Generic[Person]):
    """A person as far as matching needs to know them; names are (first, last), comparable."""

    person: Person
    names: tuple[str, str] = field(default=("", ""), repr=False)
    has_external: bool = False


@dataclass(slots=True)
class Directory(Generic[Person]):
    """Who has which identifiers, those counted in whom this very batch adds."""

    by_external: dict[str, Known[Person]] = field(default_factory=dict)
    by_address: dict[tuple[int, str], list[Known[Person]]] = field(default_factory=dict)
    # How the names of `Known` persons are written: as they are, or as digests.
    spelt: Callable[[tuple[str, str]], tuple[str, str]] = lambda names: names

    def match(self, row: Row) -> Known[Person] | None:
        """The person a row is about, or None for a new one.

        Two external ids are two persons, whatever their address. Where several share an address, a row without
        an external id is only taken for somebody without one and of the very same name: whom an earlier run of
        the same file made of it.
        """
        if row.external is not None and (found := self.by_external.get(row.external.value)):
            return found
        holders = self.by_address.get(address_key(row.address), [])
        names = self.spelt(row.names)
        if len(holders) == 1:
            (only,) = holders
            two_ids = row.external is not None and only.has_external
            return None if two_ids or names_conflict(names, only.names) else only
        if row.external is None:
            same = [known for known in holders if not known.has_external and known.names == names]
            return same[0] if len(same) == 1 else None
        return None

    def add(self, known: Known[Person], row: Row) -> None:
        """From now on this person has the row's identifiers, and its names where they had none."""
        if row.external is not None:
            self.by_external[row.external.value] = known
            known.has_external = True
        holders = self.by_address.setdefault(address_key(row.address), [])
        if known not in holders:
            holders.append(known)
        (first, last), (told_first, told_last) = known.names, self.spelt(row.names)
        known.names = (first or told_first, last or told_last)


def address_key(identifier: Identifier) -> tuple[int, str]:
    """Under what an address is looked up: its kind and its identity form."""
    return int(identifier.kind), identifier.value
