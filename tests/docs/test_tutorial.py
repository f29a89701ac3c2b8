"""Each tutorial is done from its beginning to its end, and what it shows is what comes out."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.console import Shell, blocks, fits, steps
from tests.docs.law_report import ROOT

pytestmark = [pytest.mark.embedded]

TUTORIALS = ROOT / "docs" / "tutorial"
# How many commands each has at least.
PAGES = {"first-quarter-of-an-hour.md": 26, "ask-the-gate.md": 15}


def free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@pytest.fixture
def shell(data_folder: Path) -> Iterator[tuple[Shell, Path, dict[str, str]]]:
    data_folder.mkdir(mode=0o711)
    web, mail = free_ports(2)
    opened = Shell(data_folder, ZGODA_BASE_URL=f"http://127.0.0.1:{web}")
    yield opened, data_folder, {"8400": str(web), "2525": str(mail)}
    opened.close()


def test_every_tutorial_is_tried() -> None:
    assert {path.name for path in TUTORIALS.glob("*.md")} == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_tutorial_prints_what_it_shows(
    shell: tuple[Shell, Path, dict[str, str]], page: str
) -> None:
    opened, folder, ports = shell

    def here(text: str) -> str:
        for told, ours in ports.items():
            text = text.replace(told, ours)
        return text

    done = 0
    for block in blocks((TUTORIALS / page).read_text("utf-8")):
        if block.file is not None:
            (folder / block.file).write_text(block.text, "utf-8")
        elif block.kind == "console":
            for step in steps(block):
                printed = opened.run(here(step.command))
                assert fits(here(step.shown), printed), (
                    f"$ {step.command}\n{printed}\nis shown as\n{step.shown}"
                )
                done += 1
    assert done >= PAGES[page]
