"""The how-to of the client is run as it stands there, against a server."""

import asyncio
import textwrap
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.docs.console import blocks
from tests.docs.law_report import ROOT
from tests.http.routes import key
from tests.persons import act, make

PAGE = ROOT / "docs" / "how-to" / "use-the-python-client.md"


async def test_what_the_how_to_says_is_what_happens(
    workspace: Workspace, served: str, capsys: pytest.CaptureFixture[str]
) -> None:
    anna = await make(workspace, "anna@example.com", external="C-1")
    await make(workspace, "bob@example.com", external="C-2")
    await act(workspace, "email:bob@example.com", EntryKind.GRANTED)
    text = "\n".join(line.removeprefix("   ") for line in PAGE.read_text("utf-8").splitlines()) + "\n"
    told = [textwrap.dedent(block.text) for block in blocks(text) if block.kind == "python"]
    assert len(told) == 5
    names: dict[str, Any] = {"KEY": await key(workspace, "admin"), "CONTACT": anna}
    capsys.readouterr()
    for block in told:
        code = compile(block.replace("https://zgoda.example", served), str(PAGE), "exec")
        await asyncio.to_thread(exec, code, names)
    printed = capsys.readouterr().out.splitlines()
    said = [line for line in printed if "request.answered" not in line]
    assert said == [
        "deny consent.missing",
        "['consent.missing', 'permit']",
        f"the relay may deliver what it has for {workspace.settings.relay_queue_hours} hours",
        "permits that were open: []",
        "hand it over, now",
        "1 granted newsletter",
        "2 withdrawn newsletter",
    ]
