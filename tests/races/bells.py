"""How a sender tells the actors whose messages it claimed, and they tell it that they are done: datagrams."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from uuid import UUID


def pack(sender: int, lane: int, people: Sequence[UUID]) -> bytes:
    """Whose lane claimed messages of these persons, as a datagram."""
    return bytes([sender, lane]) + b"".join(one.bytes for one in people)


def unpack(datagram: bytes) -> tuple[int, int, list[UUID]]:
    people = [UUID(bytes=datagram[place : place + 16]) for place in range(2, len(datagram), 16)]
    return datagram[0], datagram[1], people


def bell(path: str) -> socket.socket:
    """A socket that is rung by datagrams."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(path)
    made.setblocking(False)  # the library's own way
    return made


def heard(ringing: socket.socket) -> Iterator[bytes]:
    """Every datagram that has come."""
    with suppress(BlockingIOError):
        while True:
            yield ringing.recv(1 << 16)
