"""Sends one prebuilt mail again and again over open SMTP connections: what the sink takes when nothing else is done."""

import asyncio
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    while True:
        reply = await reader.readline()
        if reply[:1] not in (b"2", b"3"):
            raise RuntimeError(f"the sink said {reply!r}")
        if reply[3:4] != b"-":
            return


async def _send(host: str, port: int, letter: bytes, numbers: list[int]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    await _command(reader, writer, b"")
    await _command(reader, writer, b"EHLO benchmark.invalid\r\n")
    while numbers:
        number = numbers.pop()
        await _command(reader, writer, b"MAIL FROM:<bench@example.org>\r\n")
        await _command(reader, writer, b"RCPT TO:<person%d@example.org>\r\n" % number)
        await _command(reader, writer, b"DATA\r\n")
        await _command(reader, writer, letter + b"\r\n.\r\n")
    writer.close()


async def _run(url: str, letter: bytes, number: int, connections: int) -> dict[str, float]:
    parts = urlsplit(url)
    # As SMTP wants it (RFC 5321 4.1.1.4, 4.5.2).
    lines = b"\r\n".join(letter.splitlines())
    content = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines.split(b"\r\n"))
    numbers = list(range(number))
    began = time.perf_counter()
    await asyncio.gather(
        *(_send(parts.hostname or "", parts.port or 25, content, numbers) for _ in range(connections))
    )
    return {"rate": number / (time.perf_counter() - began)}


def main() -> None:
    """`python -m tests.benchmarks.letters URL FILE NUMBER CONNECTIONS`."""
    url, file, number, connections = sys.argv[1:]
    told = _run(url, Path(file).read_bytes(), int(number), int(connections))
    try:
        import uvloop
    except ImportError:
        print(json.dumps(asyncio.run(told)))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            print(json.dumps(runner.run(told)))


if __name__ == "__main__":
    main()
