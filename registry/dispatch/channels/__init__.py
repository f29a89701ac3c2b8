"""Channels by name: a channel is a folder and one line here. Imported by `dispatch.handoff` and `app` alone."""

from collections.abc import Callable

from registry.dispatch.channels.contract import Transport
from registry.dispatch.channels.email import transport as email

# Where to (a URL) and how many connections.
TransportFactory = Callable[[str, int], Transport]

TRANSPORTS: dict[str, TransportFactory] = {"email": email.create}
