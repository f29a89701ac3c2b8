"""The commands of the pages about merging and about the past do what the pages say."""

import asyncio
import re
import shlex
from typing import Any

import pytest

from registry.opening import opened
from tests.access.test_commands import run
from tests.docs.law_report import ROOT
from tests.persons import make

__all__ = ["run"]


@pytest.mark.parametrize("page", ["how-to/merge-two-records.md", "explanation/asking-about-the-past.md"])
def test_every_command_of_the_page_is_carried_out(run: Any, settings: Any, page: str) -> None:
    async def people() -> None:
        async with opened(settings) as workspace:
            await make(workspace, "old@example.com", external="1001")
            await make(workspace, "anna@example.com")

    asyncio.run(people())
    text = (ROOT / "docs" / page).read_text("utf-8")
    lines = [
        line.strip()
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]
    merge = ""
    assert len([line for line in lines if line]) >= 2
    for line in filter(None, lines):
        words = shlex.split(line.replace("MERGE", merge))
        assert words[0] == "zgoda"
        code, told = run(*words[1:])
        assert code == 0, (line, told)
        if words[1:3] == ["contact", "merge"]:
            merge = told["id"]
