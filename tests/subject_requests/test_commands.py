"""The commands, as somebody types them: a file comes in, a person goes out, and the file comes in again."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.cli import zgoda
from registry.kit.config import Settings
from registry.kit.terminal import guard

CSV = """email,id,first_name
anna.kalnina@example.test,C-1,Anna
both@example.test,C-2,Ilze
both@example.test,C-3,Uldis
"""
MAPPING = """
purpose = "newsletter"
channel = "email"
source = "test file"

[columns]
email = "email"
external_id = "id"

[fields]
first_name = "first_name"
"""

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))

    def call(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = guard(zgoda, [*words, "--json"])
        said = capsys.readouterr()
        return code, json.loads((said.out if code == 0 else said.err).strip().splitlines()[-1])

    return call


@pytest.fixture
def file(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "people.csv").write_text(CSV)
    (tmp_path / "people.toml").write_text(MAPPING)
    return str(tmp_path / "people.csv"), "--format", "csv", "--mapping", str(tmp_path / "people.toml")


@pytest.mark.law("LP-74")
def test_erased_and_imported_again_the_person_stays_unsendable(run: Run, file: tuple[str, ...]) -> None:
    assert run("import", *file)[1]["created"] == 3
    code, done = run("contact", "erase", "external:C-1")
    assert code == 0 and not done["already"] and done["certified_at"] is None
    assert run("contact", "erase", "external:C-2")[0] == 0
    code, again = run("import", *file)
    assert code == 0
    assert again["rejected_by"] == {"address.erased": 2} and again["created"] == 0
    for ref in ("email:anna.kalnina@example.test", "external:C-1", "external:C-2"):
        assert run("check", ref, "newsletter", "email")[1]["reason"] == "contact.unknown"
    # The other one at the shared address is who they were.
    assert run("check", "external:C-3", "newsletter", "email")[1]["reason"] == "consent.unknown_origin"


def test_an_erased_id_is_told_so_and_certified_by_the_rotation(
    run: Run, file: tuple[str, ...], tmp_path: Path
) -> None:
    run("import", *file)
    _, erased = run("contact", "erase", "external:C-1")
    _, rotated = run("keys", "rotate", "--export", str(tmp_path / "keys.json"))
    assert rotated == {
        "epoch": 2, "destroyed": [1], "rewrapped": 2, "certified": 1, "export": str(tmp_path / "keys.json"),
        "moved": [], "resumed": False,
    }  # fmt: skip
    code, again = run("contact", "erase", erased["contact"])
    assert code == 0 and again["already"] and again["certified_at"] and again["erasure"] == erased["erasure"]
    code, refused = run("contact", "export", erased["contact"])
    assert code == 1 and refused["error"]["code"] == "contact.erased"
    assert run("contact", "show", "external:C-3")[1]["fields"]["first_name"]["value"] == "Uldis"


def test_an_export_goes_to_a_file_for_its_owner_alone(
    run: Run, file: tuple[str, ...], tmp_path: Path
) -> None:
    run("import", *file)
    out = tmp_path / "anna.json"
    code, told = run("contact", "export", "external:C-1", "--out", str(out))
    assert code == 0 and told["bytes"] == out.stat().st_size and stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "anna.kalnina@example.test" in out.read_text()
    assert run("contact", "export", "external:C-1", "--out", str(out))[1]["error"]["code"] == "file.exists"
    assert run("contact", "export", "external:C-1")[1]["items"] > told["items"]  # the first export is told of


def test_a_restriction_is_set_and_lifted(run: Run, file: tuple[str, ...]) -> None:
    run("import", *file)
    assert run("contact", "restrict", "external:C-1", "--because", "claims")[1]["state"] == "restricted"
    assert run("check", "external:C-1", "newsletter", "email")[1]["reason"] == "contact.restricted"
    assert run("contact", "restrict", "external:C-1", "--lift")[1]["state"] == "lifted"
    assert run("check", "external:C-1", "newsletter", "email")[1]["reason"] == "consent.unknown_origin"


def test_a_shared_address_names_nobody(run: Run, file: tuple[str, ...]) -> None:
    run("import", *file)
    for words in (("erase",), ("export",), ("restrict",)):
        code, refused = run("contact", *words, "email:both@example.test")
        assert (code, refused["error"]["code"]) == (1, "contact.ambiguous")


def test_a_lost_epoch_is_one_clear_line(run: Run, file: tuple[str, ...], settings: Settings) -> None:
    run("import", *file)
    (settings.keys_folder / "epoch-0001.json").rename(settings.keys_folder / "lost")
    (settings.keys_folder / "epoch-0002.json").write_bytes(
        (settings.keys_folder / "lost").read_bytes().replace(b'"epoch": 1', b'"epoch": 2')
    )
    code, refused = run("keys", "rotate")
    assert (code, refused["error"]["code"]) == (1, "keys.epoch_missing")
    assert "newest key export" in refused["error"]["mend"]
