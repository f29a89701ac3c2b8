"""Whom a call is about: our id, or an address or id of another system, named in exactly one way."""

from typing import Literal, NamedTuple
from uuid import UUID


class Subject(NamedTuple):
    """A person, by one of their names; made by `by_id`, `by_email`, `by_phone` and `by_external`."""

    kind: Literal["id", "email", "phone", "external"]
    value: str

    def told(self) -> dict[str, str]:
        """As the interface takes it."""
        return {self.kind: self.value}

    def __repr__(self) -> str:
        # Tracebacks and logs show arguments; an address does not belong there.
        return f"Subject(kind={self.kind!r}, value=...)"


def by_id(id: UUID | str) -> Subject:
    """A person by our own id; ValueError when it is none."""
    return Subject("id", str(UUID(str(id))))


def by_email(address: str) -> Subject:
    """Whoever has this e-mail address."""
    return Subject("email", address)


def by_phone(number: str) -> Subject:
    """Whoever has this telephone number, in international form."""
    return Subject("phone", number)


def by_external(id: str) -> Subject:
    """A person by the id that another system gave them."""
    return Subject("external", id)
