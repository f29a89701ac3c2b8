"""`zgoda policy check|list` as somebody at a terminal sees them."""

import json
from pathlib import Path

import pytest

from registry.cli import zgoda
from registry.kit.terminal import guard
from registry.policy import cases, loader
from tests.policy.folders import line_of, replace


def test_check_of_good_policies_exits_0(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guard(zgoda, ["policy", "check", str(folder)]) == 0
    assert f"{len(loader.load().purposes)} purposes, no problem" in capsys.readouterr().out


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


def test_list_before_init_tells_what_would_be_in_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--data", str(tmp_path / "nowhere")]
    assert guard(zgoda, [*nowhere, "policy", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["set"] is None
    assert [row["purpose"] for row in told["purposes"]] == sorted(loader.load().purposes)
    assert guard(zgoda, [*nowhere, "policy", "list"]) == 0
    assert "legitimate_interests" in capsys.readouterr().out
    assert guard(zgoda, [*nowhere, "policy", "history"]) == 1


def test_test_plays_every_case_and_counts_them_by_purpose(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guard(zgoda, ["policy", "test", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    counts = {row["purpose"]: row["cases"] for row in told["purposes"]}
    assert counts == {name: len(cases.load(folder, name)) for name in loader.load(folder).purposes}
    assert told["failures"] == []
    assert guard(zgoda, ["policy", "test", str(folder)]) == 0
    assert str(sum(counts.values())) in capsys.readouterr().out


def test_a_case_that_comes_out_otherwise_is_named_with_line_expected_and_got(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy, file = "purposes/newsletter/policy.toml", "purposes/newsletter/cases.toml"
    replace(folder, policy, 'least_grade = "attested"', 'least_grade = "first_party"')
    assert guard(zgoda, ["policy", "test", str(folder), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (first, *_) = told["failures"]
    assert first["case"] == "an imported grant with its evidence permits"
    assert (first["expected"], first["got"]) == ("permit permit", "deny consent.evidence_too_weak")
    named = (folder / file).read_text(encoding="utf-8").splitlines()[first["line"]]
    assert "an imported grant with its evidence permits" in named
    assert {row["purpose"] for row in told["purposes"] if row["failed"]} == {"newsletter"}
    assert guard(zgoda, ["policy", "test", str(folder)]) == 1
    out = capsys.readouterr().out
    assert f"{folder / file}:{first['line']}: “an imported grant" in out
    assert "expected permit permit, got deny consent.evidence_too_weak" in out


def test_cases_that_cannot_be_read_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = "purposes/newsletter/cases.toml"
    replace(folder, file, "[[case]]", "[[case")
    assert guard(zgoda, ["policy", "test", str(folder), "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["unreadable"]
    assert "not TOML" in problem
