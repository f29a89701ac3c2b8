"""The tour as a stranger types it: its figures against the truth, and its refusals."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from registry.demo.truth import Truth

PEOPLE = 400


def zgoda(data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "registry", "--data", str(data), *args],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def toured(
    tmp_path_factory: pytest.TempPathFactory, module_data_folder: Path
) -> tuple[Path, Path, dict[str, Any]]:
    """One tour for all tests here: data folder, what was outside, and the figures."""
    outside = tmp_path_factory.mktemp("outside")
    done = zgoda(module_data_folder, "demo", "--people", str(PEOPLE), "--keep", str(outside), "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    return module_data_folder, outside, json.loads(done.stdout)


def test_the_gates_figures_are_the_truth(toured: tuple[Path, Path, dict[str, Any]]) -> None:
    _, outside, figures = toured
    counts = Truth.read(outside / "people.zip.truth.json").counts
    for name in ("imported", "rejected", "unknown_origin", "permitted", "blocked"):
        assert figures[name] == counts[name], name


def test_everybody_permitted_got_one_mail_and_nobody_else(toured: tuple[Path, Path, dict[str, Any]]) -> None:
    _, _, figures = toured
    assert figures["delivered"] == figures["permitted"] > 0
    assert figures["second"]["delivered"] == figures["second"]["permitted"] < figures["permitted"]
    assert figures["delivered_to_blocked"] == figures["second"]["delivered_to_blocked"] == 0
    assert figures["withdrawn"] > 0


def test_who_was_erased_is_gone_and_the_log_proves_it_all(toured: tuple[Path, Path, dict[str, Any]]) -> None:
    _, _, figures = toured
    assert figures["erased"] > 0
    assert figures["sendable_after_reimport"] == figures["plaintext_found_after_erasure"] == 0
    assert figures["access_package"]["items"] > 20
    assert figures["audit"]["verified"] is True
    assert figures["audit"]["tampered_detected"] is True


def test_a_folder_of_somebodys_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    done = zgoda(tmp_path, "demo", "--people", "200")
    assert done.returncode == 1
    assert "demo.folder_in_use" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"
