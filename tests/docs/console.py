"""Runs the commands of a page as its reader would, in one shell, and holds what they print against what it shows."""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\S*)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANYTHING = "…"
# A machine that has no curl is served by a few lines of Python.
_CURL = f"""#!{sys.executable}
import sys, urllib.request
given, body, headers, url = [word for word in sys.argv[1:] if word != "-s"], None, {{}}, ""
while given:
    word = given.pop(0)
    if word == "-d":
        body = given.pop(0).encode()
    elif word == "-H":
        name, _, value = given.pop(0).partition(": ")
        headers[name] = value
    else:
        url = word
sys.stdout.buffer.write(urllib.request.urlopen(urllib.request.Request(url, body, headers)).read())
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: a file to write, or commands with what they print."""

    kind: str
    file: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what it is shown to print."""

    command: str
    shown: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(*match.groups()) for match in _FENCE.finditer(page)]


def steps(block: Block) -> list[Step]:
    """The commands of a block of kind `console`."""
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        found.append(Step(command, shown))
    return found


def fits(shown: str, printed: str) -> bool:
    """Whether the output is what is shown, where `…` stands for anything, over lines too."""
    pattern = ".*".join(map(re.escape, shown.strip().split(ANYTHING)))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


class Shell:
    """One bash in a folder, as a reader has one open; `run` returns what a command printed."""

    _MARK = "--- done ---"

    def __init__(self, folder: Path, **environment: str) -> None:
        tools = folder / "bin"
        tools.mkdir()
        if shutil.which("curl") is None:
            (tools / "curl").write_text(_CURL)
            (tools / "curl").chmod(0o755)
        path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
        self._process = subprocess.Popen(
            ["bash", "--norc", "-m"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PATH": path, **environment},
            start_new_session=True,
        )  # fmt: skip

    def run(self, command: str, seconds: float = 120) -> str:
        """Run one command line to its end; TimeoutError when that takes too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        background = command.rstrip().endswith("&")
        line = command if background else f"{{ {command}\n}} 2>&1"
        self._process.stdin.write(f"{line}\necho '{self._MARK}'\n")
        self._process.stdin.flush()
        printed: list[str] = []
        deadline = time.monotonic() + seconds
        for text in self._process.stdout:
            if text.endswith(f"{self._MARK}\n"):
                return "".join(printed) + text.removesuffix(f"{self._MARK}\n")
            printed.append(text)
            if time.monotonic() > deadline:
                break
        raise TimeoutError(command)

    def close(self) -> None:
        """End the shell and what it started."""
        assert self._process.stdin is not None
        if self._process.poll() is None:
            self._process.stdin.write("kill $(jobs -p) 2>/dev/null; wait; exit\n")
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
