"""`zgoda demo`: the tour on a data folder of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from registry.demo.tour import Tour
from registry.kit import postgres
from registry.kit.errors import Refused
from registry.kit.terminal import Terminal, emit, note, prints_result, runs

MARK = "demo"


@click.command()
@click.option("--people", default=10_000, show_default=True, type=click.IntRange(200, 5_000_000))
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep sample, truth, mailbox and exported log in this folder.",
)
@prints_result
@runs
async def demo(terminal: Terminal, people: int, keep: Path | None) -> None:
    """Import invented people, ask the gate, send, unsubscribe, export, erase and verify, on real parts.

    A data folder of an earlier tour is made anew; any other is left alone.
    """
    settings = terminal.settings
    if not settings.embedded:
        raise Refused(
            "demo.embedded_only",
            "The tour runs on the embedded database, for it looks into its files.",
            mend="unset ZGODA_DATABASE_URL",
        )
    _make_room(settings.data)
    steps = 0

    def tell(text: str) -> None:
        nonlocal steps
        steps += 1
        note(f"{steps:2}. {text}")

    with _outside(keep) as outside:
        figures = await Tour(settings.data, outside, people, tell).run()
    wrong = _wrong(figures)
    emit(terminal, figures, _summary(figures, settings.data))
    if wrong:
        raise Refused("demo.wrong", f"Not as it should be: {', '.join(wrong)}.")


def _make_room(data: Path) -> None:
    """Take an earlier tour away; refuse a folder that is somebody's own, or in use."""
    if data.exists() and any(data.iterdir()):
        if not (data / MARK).exists():
            raise Refused(
                "demo.folder_in_use",
                f"{data} holds data that no tour made.",
                mend="choose another folder with --data",
            )
        with postgres.serving(data):
            pass
        shutil.rmtree(data)
    postgres.prepare_folder(data)
    (data / MARK).touch(mode=0o600)
    (data / MARK).write_text("This folder was made by `zgoda demo` and may be made anew by it.\n")


@contextmanager
def _outside(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="zgoda-demo-") as folder:
        yield Path(folder)


def _wrong(figures: dict[str, Any]) -> list[str]:
    """The figures that are not as promised."""
    second, log = figures["second"], figures["audit"]
    held = {
        "delivered": figures["delivered"] == figures["permitted"],
        "delivered_to_blocked": figures["delivered_to_blocked"] == 0,
        "second.delivered": second["delivered"] == second["permitted"],
        "second.delivered_to_blocked": second["delivered_to_blocked"] == 0,
        "sendable_after_reimport": figures["sendable_after_reimport"] == 0,
        "plaintext_found_after_erasure": figures["plaintext_found_after_erasure"] == 0,
        "audit.verified": log["verified"],
        "audit.tampered_detected": log["tampered_detected"],
    }
    return [name for name, held_ in held.items() if not held_]


def _summary(figures: dict[str, Any], data: Path) -> str:
    second = figures["second"]
    return (
        f"\n{figures['delivered']} of {figures['permitted']} permitted persons got their mail, "
        f"{figures['delivered_to_blocked']} mails went where none may go.\n"
        f"After {figures['withdrawn']} withdrawals: {second['delivered']} of {second['permitted']}, "
        f"{second['delivered_to_blocked']} wrong.\n"
        f"Erased: {figures['erased']}; readable afterwards: {figures['plaintext_found_after_erasure']}; "
        f"sendable after the same import: {figures['sendable_after_reimport']}.\n"
        f"Log: {figures['audit']['entries']} entries, verified; a changed one is found.\n"
        f"{figures['seconds']} s. The data are in {data}; look around:\n"
        f"  zgoda --data {data} policy list\n"
        f"  zgoda --data {data} contact show external:C0000020\n"
        f"  zgoda --data {data} check external:C0000020 newsletter email\n"
    )
