"""How a route says who may call it: a route that says nothing is open to nobody."""

from dataclasses import dataclass
from typing import Any

OPTION = "admission"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who may call a route: anybody, or principals whose role lists one of `actions` (audit tags, `noun.verb`).

    A route with several actions asks for the very one once it has read the body. `personal` routes read personal
    data, so they also need the headers `Zgoda-Purpose` and `Zgoda-Reason`. `persons` routes write about persons in
    general and not for one purpose; like the personal ones they are closed to a key that reaches no purpose.
    """

    actions: tuple[str, ...] = ()
    public: bool = False
    personal: bool = False
    persons: bool = False


CLOSED = Admission()

# For `opt=` of a handler. Pages for persons and the public log are open to all.
PUBLIC: dict[str, Any] = {OPTION: Admission(public=True)}


def needs(*actions: str, personal: bool = False, persons: bool = False) -> dict[str, Any]:
    """The `opt=` of a handler that takes one of `actions`."""
    return {OPTION: Admission(actions, personal=personal, persons=persons)}
