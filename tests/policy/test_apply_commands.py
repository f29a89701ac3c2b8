"""`zgoda policy apply` and what it refuses."""

import json
from datetime import date
from pathlib import Path

import pytest

from registry.cli import zgoda
from registry.kit.config import Settings
from registry.kit.terminal import guard
from registry.policy import loader
from registry.policy.documents import Problem
from registry.policy.in_force import Bundle
from registry.policy.model import PolicySet
from tests.policy.folders import NEWSLETTER, replace


def test_the_command_checks_tests_compares_and_records(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _commands(settings, monkeypatch, capsys)
    replace(folder, NEWSLETTER, 'class = "marketing"', 'class = "marketing"\ninactive_after_days = 3000')
    said = ("--author", "A. Lawyer", "--reason", "law of today")
    done = told("apply", str(folder), *said, "--yes")
    assert done["applied"] is True
    assert done["author"] == "A. Lawyer"
    assert "purpose.inactive_after_days: none -> 3000" in done["difference"]["policies"]["newsletter"]
    again = told("apply", str(folder), *said, "--yes")
    assert again == {"applied": False, "set": done["set"], "author": "A. Lawyer", "reason": "law of today"}
    assert [one["author"] for one in told("history")["sets"]] == ["A. Lawyer", "operator"]
    exported = folder.with_name("exported")
    told("export", str(exported))
    assert Bundle.of(exported).hash == Bundle.of(folder).hash
    assert told("diff", str(exported), "current")["policies"] == {}


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ((NEWSLETTER, 'basis = "consent"\n', ""), "policy.invalid"),
        (("balancing.toml", "review_by = 2031-01-12", "review_by = 2026-02-01"), "policy.invalid"),
        ((NEWSLETTER, 'least_grade = "attested"', 'least_grade = "first_party"'), "policy.invalid"),
    ],
)
def test_the_command_refuses_what_is_unlawful_overdue_or_fails_its_cases(
    settings: Settings,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    edit: tuple[str, str, str],
    code: str,
) -> None:
    told = _commands(settings, monkeypatch, capsys)
    replace(folder, *edit)
    done = told("apply", str(folder), "--author", "x", "--reason", "y", "--yes", fails=1)
    assert done["error"]["code"] == code
    assert [one["author"] for one in told("history")["sets"]] == ["operator"]


def test_nobody_is_taken_to_agree_who_was_not_asked(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _commands(settings, monkeypatch, capsys)
    done = told("apply", str(folder), "--author", "x", "--reason", "y", fails=2)
    assert done["error"]["code"] == "confirmation.missing"
    done = told("apply", str(folder), "--author", " ", "--reason", "y", "--yes", fails=2)
    assert (done["error"]["field"], done["error"]["mend"]) == ("--author", "name who answers for the change")


def test_what_a_new_release_cannot_read_can_still_be_replaced(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = _commands(settings, monkeypatch, capsys)
    told("history")
    real = loader.examine

    def stricter(place: Path, today: date | None = None) -> tuple[PolicySet | None, list[Problem]]:
        made, problems = real(place, today)
        if made is None or made.purposes["newsletter"].inactive_after_days is not None:
            return made, problems
        return None, [Problem(NEWSLETTER, 1, "no term of inactivity", "write one")]

    monkeypatch.setattr(loader, "examine", stricter)
    assert told("list", fails=1)["error"]["code"] == "policy.invalid"
    replace(folder, NEWSLETTER, 'class = "marketing"', 'class = "marketing"\ninactive_after_days = 3000')
    done = told("apply", str(folder), "--author", "x", "--reason", "the new check", "--yes")
    assert done["applied"] is True
    assert done["difference"] is None
    assert told("list")["set"]["set"] == done["set"]


def _commands(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """`zgoda policy ... --json` on this installation, as somebody at its terminal runs it."""
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))

    def told(*words: str, fails: int = 0) -> dict:  # type: ignore[type-arg]
        capsys.readouterr()
        assert guard(zgoda, ["policy", *words, "--json"]) == fails, capsys.readouterr()
        out, err = capsys.readouterr()
        lines = [line for line in (err if fails else out).splitlines() if line.startswith("{")]
        found = [json.loads(line) for line in lines if not line.startswith('{"area"')]
        return found[-1]

    return told
