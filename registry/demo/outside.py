"""The world around an installation: its commands, its server as a process, its persons' mailbox and browser."""

import asyncio
import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from registry.dispatch.sink import Received
from registry.kit.errors import Refused

_ADDRESS = re.compile(r"Zgoda answers at (\S+)")
START_SECONDS = 60


class StepFailed(Refused):
    """A step of the tour did not do what it should."""

    def __init__(self, step: str, detail: str) -> None:
        super().__init__("demo.step_failed", f"{step}: {detail}")


@dataclass(frozen=True, slots=True)
class Commands:
    """`zgoda` as anybody would type it, on one data folder."""

    data: Path

    def _line(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "registry", "--data", str(self.data), *args]

    async def run(self, *args: str, expect: int = 0) -> dict[str, Any]:
        """Run a command with --json and return what it printed; StepFailed on another exit code.

        Its progress bars go to our own stderr.
        """
        process = await asyncio.create_subprocess_exec(
            *self._line(*args, "--json"), stdout=asyncio.subprocess.PIPE, env=_environment()
        )
        out, _ = await process.communicate()
        if process.returncode != expect:
            raise StepFailed(f"zgoda {args[0]}", f"exit code {process.returncode}")
        text = out.decode().strip()
        return json.loads(text) if text else {}

    @asynccontextmanager
    async def serving(self, smtp: str) -> AsyncIterator[str]:
        """`zgoda serve` with its worker, on a port that the system chooses; yields its address."""
        process = await asyncio.create_subprocess_exec(
            *self._line("serve", "--port", "0", "--smtp", smtp),
            stdout=asyncio.subprocess.PIPE,
            env={**_environment(), "ZGODA_LOG_LEVEL": "error"},
        )
        assert process.stdout is not None
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode()
            found = _ADDRESS.search(line)
            if found is None:
                raise StepFailed("zgoda serve", "it did not start")
            yield found.group(1)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP interface, asked over a real connection."""

    base: str
    key: str

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON and return the JSON answer."""
        request = urllib.request.Request(  # noqa: S310  # the address is our own server's
            self.base + path,
            json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self.key}",
                "Content-Type": "application/json",
                "Zgoda-Purpose": "operation",
                "Zgoda-Reason": "demo",
            },
        )
        answer: dict[str, Any] = json.loads(await asyncio.to_thread(_read, request))
        return answer

    async def unsubscribe(self, link: str) -> None:
        """What a mail program does on one click (RFC 8058): POST one field, no cookie, no key."""
        request = urllib.request.Request(  # noqa: S310  # as above
            self.base + urlsplit(link).path,
            b"List-Unsubscribe=One-Click",
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        await asyncio.to_thread(_read, request)


def _read(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # as above
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        # Our own problem documents name nobody.
        raise StepFailed("POST", f"status {error.code}: {error.read(500).decode(errors='replace')}") from None
    return body


def unsubscribe_link(mail: Received) -> str:
    """The one-click address in a mail's List-Unsubscribe header."""
    header = message_from_bytes(mail.content, policy=policy.default)["List-Unsubscribe"]
    return str(header).strip().strip("<>")
