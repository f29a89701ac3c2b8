"""Processes that are measured or that measure: started with a clean environment, ended with their block."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r"http://([0-9.]+):(\d+)")
_HIGHEST = re.compile(r"VmHWM:\s*(\d+) kB")


class BenchmarkBroken(Exception):
    """A process ended with an error; its last words are the message."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers HTTP."""

    pid: int
    host: str
    port: int

    def busy_seconds(self) -> float:
        """Processor time that it took so far, user and system; 0 where the system does not tell."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return 0.0
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended well: its JSON, how long it took, and its largest resident memory in bytes."""

    told: dict[str, Any]
    seconds: float
    resident: int


def environment() -> dict[str, str]:
    """Ours, without what would change an installation's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ZGODA_")}


def zgoda(data: Path, *arguments: str) -> list[str]:
    """A command line of ours."""
    return [sys.executable, "-m", "registry", "--data", str(data), *arguments]


@asynccontextmanager
async def server(command: Sequence[str], log: Path) -> AsyncIterator[Server]:
    """A server that prints its address once it answers; stopped with the block."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment()
        )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        found = _ADDRESS.search(line)
        if found is None:
            raise BenchmarkBroken(_last_words(log))
        yield Server(process.pid, found[1], int(found[2]))
    finally:
        await _end(process)


@asynccontextmanager
async def beside(command: Sequence[str], log: Path) -> AsyncIterator[int]:
    """A process that runs for the time of the block."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=errors, env=environment()
        )
    try:
        yield process.pid
    finally:
        await _end(process)


async def run(command: Sequence[str], *, stdin: bytes = b"") -> Ran:
    """A command until its end; raises BenchmarkBroken when it fails."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    talk = asyncio.create_task(process.communicate(stdin))
    resident = 0
    while not talk.done():
        resident = max(resident, _highest(process.pid))
        await asyncio.wait({talk}, timeout=0.1)
    out, errors = await talk
    if process.returncode != 0:
        raise BenchmarkBroken(errors.decode(errors="replace")[-2000:])
    told = json.loads(out) if out.lstrip().startswith(b"{") else {}
    return Ran(told, time.monotonic() - began, resident)


async def load(
    target: Server, head: str, bodies: Sequence[str], *, connections: int, seconds: float, warm_seconds: float
) -> dict[str, Any]:
    """Load a server; raises BenchmarkBroken when any answer is not a 200."""
    orders = {
        "host": target.host,
        "port": target.port,
        "head": head,
        "bodies": list(bodies),
        "connections": connections,
        "seconds": seconds,
        "warm_seconds": warm_seconds,
    }
    ran = await run([sys.executable, "-m", "tests.benchmarks.load"], stdin=json.dumps(orders).encode())
    if ran.told["failures"] or not ran.told["requests"]:
        raise BenchmarkBroken(f"{ran.told['failures']} of {ran.told['requests']} requests failed")
    return ran.told


def _highest(pid: int) -> int:
    try:
        found = _HIGHEST.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
