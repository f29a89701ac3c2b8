"""Identifiers: UUID version 7 (RFC 9562), made by the application, in the order of time, about nobody."""

from uuid import UUID

from uuid_utils.compat import uuid7

NIL = UUID(int=0)


def new_id() -> UUID:
    """A new identifier, increasing in time."""
    return uuid7()


__all__ = ["NIL", "UUID", "new_id"]
