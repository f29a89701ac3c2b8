"""`zgoda policy check|list` as somebody at a terminal sees them."""

import json
from pathlib import Path

import pytest

from registry.cli import zgoda
from registry.kit.terminal import guard
from tests.policy.folders import copied, line_of, replace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path)


def test_check_of_good_policies_exits_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guard(zgoda, ["policy", "check", str(folder)]) == 0
    assert "5 purposes, no problem" in capsys.readouterr().out


def test_check_names_file_line_problem_and_mend_and_exits_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = "purposes/newsletter/policy.toml"
    replace(folder, file, "channels =", "chanels =")
    assert guard(zgoda, ["policy", "check", str(folder)]) == 1
    line = capsys.readouterr().out.strip()
    assert line.startswith(f"{folder / file}:{line_of(folder, file, 'chanels')}: unknown key `chanels`")
    assert "did you mean `channels`?" in line


def test_check_plays_the_worked_cases(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(
        folder, "purposes/newsletter/policy.toml", 'least_grade = "attested"', 'least_grade = "first_party"'
    )
    assert guard(zgoda, ["policy", "check", str(folder)]) == 1
    line = capsys.readouterr().out.strip().splitlines()[0]
    assert "purposes/newsletter/cases.toml:" in line
    assert "an imported grant with its evidence permits" in line
    assert "reason is consent.evidence_too_weak and not permit" in line


def test_check_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "purposes/newsletter/notice.pl.md").unlink()
    assert guard(zgoda, ["policy", "check", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is False
    assert told["problems"][0]["file"] == "purposes/newsletter/policy.toml"
    assert set(told["problems"][0]) == {"file", "line", "problem", "mend"}


def test_check_of_no_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert guard(zgoda, ["policy", "check", str(tmp_path / "nothing")]) == 2


def test_list_tells_every_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    assert guard(zgoda, ["policy", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["purpose"] for row in told["purposes"]] == [
        "club-letter",
        "newsletter",
        "order-messages",
        "product-updates",
        "request-answers",
    ]
    assert guard(zgoda, ["policy", "list"]) == 0
    assert "legitimate_interests" in capsys.readouterr().out
