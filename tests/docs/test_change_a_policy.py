"""The commands of the how-to on changing policies do what the page says, in its order, on one installation."""

import shlex
from pathlib import Path

import pytest

from registry.cli import zgoda
from registry.kit.config import Settings
from registry.kit.terminal import guard
from tests.docs.console import blocks
from tests.docs.law_report import ROOT
from tests.policy.folders import replace

PAGE = ROOT / "docs" / "how-to" / "change-a-policy.md"


def test_every_command_of_the_page_works_in_its_order(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    said: dict[str, str] = {}
    policy = "purposes/newsletter/policy.toml"
    for block in blocks(PAGE.read_text("utf-8")):
        if block.kind == "toml":
            text = f'class = "marketing"\n{block.text.strip()}\n'
            replace(place / "our-policies", policy, 'class = "marketing"\n', text)
        if block.kind != "sh":
            continue
        for line in block.text.strip().splitlines():
            words = shlex.split(line)
            assert words[0] == "zgoda"
            capsys.readouterr()
            assert guard(zgoda, words[1:]) == 0, (line, capsys.readouterr())
            said[" ".join(words[2:])] = capsys.readouterr().out
    assert "purpose.valid_for_days: none -> 3650" in said["diff current our-policies"]
    (applied,) = [text for words, text in said.items() if words.startswith("apply our-policies")]
    assert "is in force, by A. Lawyer: a term, decided on 2026-11-20" in applied
    assert "a term, decided on 2026-11-20" in said["history"]
    assert "purpose.valid_for_days: 3650 -> none" in said["diff current shipped"]
