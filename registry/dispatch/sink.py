"""A real SMTP server in a process of its own that keeps what it gets: for the demo, the tests and the benchmarks.

It judges the sender from outside: nothing here knows about gates or consents. One line of JSON is written for
every mail that was taken; times are of the machine's monotonic clock, which all processes share.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST = 20_000_000


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server answers: after `latency` seconds; and by the beginning of the recipient's address."""

    latency: float = 0.0
    reject: str | None = None
    defer: str | None = None
    drop: str | None = None
    hang: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One mail as it was taken: from the MAIL command to the reply to the final dot, monotonic seconds."""

    begun: float
    ended: float
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Sink:
    """A running server."""

    url: str
    mailbox: Path
    pid: int

    def received(self) -> Iterator[Received]:
        """Every mail that was taken so far, in order; a line that is still being written is left out."""
        if not self.mailbox.exists():
            return
        with self.mailbox.open(encoding="ascii") as lines:
            for line in lines:
                if line.endswith("\n"):
                    item = json.loads(line)
                    yield Received(
                        item["begun"],
                        item["ended"],
                        item["from"],
                        tuple(item["to"]),
                        item["content"].encode("utf-8", "surrogateescape"),
                    )

    def recipients(self) -> list[str]:
        """The address of every mail that was taken, repeats included."""
        return [address for mail in self.received() for address in mail.recipients]

    def count(self) -> int:
        """How many mails were taken."""
        if not self.mailbox.exists():
            return 0
        with self.mailbox.open("rb") as lines:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 20), b""))


@asynccontextmanager
async def sink(mailbox: Path, *, port: int = 0, behaviour: Behaviour | None = None) -> AsyncIterator[Sink]:
    """Start the server as a process on 127.0.0.1, on a port that the system chooses; it ends with the block,
    and with us, should we be killed.
    """
    behaviour = behaviour or Behaviour()
    options = ["--latency", str(behaviour.latency)]
    for name in ("reject", "defer", "drop", "hang"):
        if value := getattr(behaviour, name):
            options += [f"--{name}", value]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry.dispatch.sink", "--port", str(port), "--mailbox", str(mailbox), *options,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        if not line:
            raise RuntimeError("the mail sink did not start")
        yield Sink(f"smtp://{line}", mailbox, process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class _Server(SMTP):
    """aiosmtpd, telling when a transaction began."""

    begun = 0.0

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd calls it by this name
        self.begun = time.monotonic()
        await super().smtp_MAIL(arg)


class _Handler:
    def __init__(self, mailbox: IO[str], behaviour: Behaviour) -> None:
        self._mailbox = mailbox
        self._behaviour = behaviour

    async def handle_RCPT(  # noqa: N802  # as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._starts(address, self._behaviour.reject):
            return "550 5.1.1 No such mailbox"
        if self._starts(address, self._behaviour.defer):
            return "451 4.7.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        if self._behaviour.latency:
            await asyncio.sleep(self._behaviour.latency)
        content = envelope.content
        if not isinstance(content, bytes):
            return "554 5.6.0 No content"
        record = {
            "begun": getattr(server, "begun", 0.0),
            "ended": time.monotonic(),
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": content.decode("utf-8", "surrogateescape"),
        }
        self._mailbox.write(json.dumps(record) + "\n")
        self._mailbox.flush()
        if self._starts(envelope.rcpt_tos[0], self._behaviour.drop):
            if server.transport is not None:
                server.transport.close()
            return "250 2.0.0 OK"
        if self._starts(envelope.rcpt_tos[0], self._behaviour.hang):
            await asyncio.sleep(3600)
        return "250 2.0.0 OK"

    @staticmethod
    def _starts(address: str, beginning: str | None) -> bool:
        return beginning is not None and address.startswith(beginning)


async def _serve(options: argparse.Namespace, mailbox: IO[str]) -> None:
    behaviour = Behaviour(options.latency, options.reject, options.defer, options.drop, options.hang)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def session() -> SMTP:
        handler = _Handler(mailbox, behaviour)
        return _Server(
            handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="sink.invalid", timeout=600
        )

    server = await loop.create_server(session, "127.0.0.1", options.port, backlog=512)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"{host}:{port}", flush=True)
    if not options.stay:
        # Whoever started us holds the other end: when it is gone, so are we.
        threading.Thread(target=_wait_for_end, args=(loop, stop), daemon=True).start()
    await stop.wait()
    server.close()


def _wait_for_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def main() -> None:
    """`python -m registry.dispatch.sink --mailbox FILE`: prints host:port and serves until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--mailbox", required=True)
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds before the reply to the final dot"
    )
    parser.add_argument("--reject", help="550 to addresses that begin so")
    parser.add_argument("--defer", help="451 to addresses that begin so")
    parser.add_argument("--drop", help="take mails to addresses that begin so and hang up without a reply")
    parser.add_argument("--hang", help="take mails to addresses that begin so and never reply")
    parser.add_argument("--stay", action="store_true", help="do not end with the input")
    options = parser.parse_args()
    with Path(options.mailbox).open("a", encoding="ascii") as mailbox:
        asyncio.run(_serve(options, mailbox))


if __name__ == "__main__":
    main()
