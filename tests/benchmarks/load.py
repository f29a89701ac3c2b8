"""Loads a server with one prepared request after another over connections that stay open, from a process of its own.

Reads its orders as JSON on stdin and prints what came of them: a generator inside the server's process, or a full
HTTP client, would take the very time that is to be measured.
"""

import asyncio
import json
import sys
import time
from itertools import cycle
from typing import Any, cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class _Connection(asyncio.Protocol):
    """One connection: sends the next request when the answer to the last one is whole."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by descent
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent = time.perf_counter()
        self._transport.write(next(self._load.requests))

    def data_received(self, data: bytes) -> None:
        self._buffer = buffer = self._buffer + data if self._buffer else data
        end = buffer.find(_HEAD_END)
        if end < 0:
            return
        head = buffer[:end].lower()
        place = head.index(_LENGTH) + len(_LENGTH)
        line_end = head.find(b"\r", place)
        length = int(head[place:] if line_end < 0 else head[place:line_end])
        if len(buffer) < end + len(_HEAD_END) + length:
            return
        self._buffer = b""
        self._load.answered(head[9:12] == b"200", time.perf_counter() - self._sent)
        if not self._load.done:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()


class _Load:
    def __init__(self, orders: dict[str, Any]) -> None:
        requests = [
            (orders["head"] + (f"content-length: {len(body)}\r\n" if body else "") + "\r\n").encode() + body
            for body in (text.encode() for text in orders["bodies"])
        ]
        self.requests = cycle(requests)
        self.done = False
        self.counting = False
        self.answers = 0
        self.failures = 0
        self.seconds: list[float] = []

    def answered(self, good: bool, seconds: float) -> None:
        self.answers += 1
        if not good:
            self.failures += 1
        if self.counting:
            self.seconds.append(seconds)

    def lost(self) -> None:
        if not self.done:
            self.failures += 1


async def _run(orders: dict[str, Any]) -> dict[str, Any]:
    load = _Load(orders)
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: _Connection(load), orders["host"], orders["port"])
        for _ in range(orders["connections"])
    ]
    async with asyncio.timeout(30):  # the server may only be starting
        while load.answers < len(connections):
            await asyncio.sleep(0.01)
    await asyncio.sleep(orders["warm_seconds"])
    load.counting = True
    began = time.perf_counter()
    await asyncio.sleep(orders["seconds"])
    seconds = time.perf_counter() - began
    load.done = True
    load.counting = False
    for transport, _ in connections:
        transport.close()
    ordered = sorted(load.seconds) or [0.0]
    return {
        "requests": len(load.seconds),
        "answers": load.answers,
        "failures": load.failures,
        "rate": len(load.seconds) / seconds,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
    }


def main() -> None:
    """`python -m tests.benchmarks.load < orders.json`."""
    orders = json.load(sys.stdin)
    try:
        import uvloop
    except ImportError:
        told = asyncio.run(_run(orders))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            told = runner.run(_run(orders))
    print(json.dumps(told))


if __name__ == "__main__":
    main()
