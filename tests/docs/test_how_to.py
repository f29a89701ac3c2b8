"""What the how-to pages tell to write can be used as it stands there."""

import json
import os
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.audit import entries, export, queries
from registry.cli import zgoda
from registry.exchange import mapping
from registry.gate import cases
from registry.kit.caller import Caller
from registry.kit.config import Settings
from registry.kit.terminal import guard
from registry.policy import loader
from tests.docs.console import Block, blocks
from tests.docs.law_report import ROOT
from tests.http.routes import key

HOW_TO = ROOT / "docs" / "how-to"


def test_the_purpose_that_is_written_there_has_no_problem(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    for block in blocks((HOW_TO / "write-a-purpose.md").read_text("utf-8")):
        if block.file is not None:
            (folder / block.file).parent.mkdir(exist_ok=True)
            (folder / block.file).write_text(block.text, "utf-8")
    (unnamed,) = loader.examine(folder)[1]
    assert "add trail-news to purposes of `locale`" in unnamed.mend
    fields = folder / "fields.toml"
    before = "[locale]\npurposes = ["
    named = fields.read_text("utf-8").replace(before, f'{before}"trail-news", ')
    fields.write_text(named, "utf-8")
    policies, problems = loader.examine(folder)
    assert policies is not None
    assert [*problems, *cases.failures(folder, policies)] == []
    assert policies.purposes["trail-news"].notice_version == 1


def test_the_mapping_of_the_tutorial_and_of_the_how_to_are_mappings() -> None:
    page = (ROOT / "docs" / "tutorial" / "first-quarter-of-an-hour.md").read_text("utf-8")
    (told,) = [block for block in blocks(page) if block.file == "customers.mapping.toml"]
    assert mapping.parse(tomllib.loads(told.text), "csv").missing_attestation == ()
    pieces = [block.text for block in _indented(HOW_TO / "write-an-import-mapping.md", "toml")]
    whole = "\n".join(piece for piece in pieces if "CUSTOMER_ID" not in piece)
    assert mapping.parse(tomllib.loads(whole), "csv").missing_attestation == ()


def _indented(path: Path, kind: str) -> list[Block]:
    """Blocks inside list items, too."""
    text = "\n".join(line.removeprefix("   ") for line in path.read_text("utf-8").splitlines())
    return [block for block in blocks(text + "\n") if block.kind == kind]


@pytest.mark.system
async def test_the_outside_verifier_accepts_an_export_and_refuses_a_changed_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    caller = Caller("operator", "operation", "test")
    async with workspace.database.begin(caller) as session:
        for _ in range(300):
            await entries.append(session, workspace.ring, "contact.read")
        vkey = (await queries.signer(session, workspace.ring)).verifier.vkey
    await export.export(workspace.database, workspace.ring, caller, tmp_path / "log.jsonl")
    (program,) = [b for b in blocks((HOW_TO / "verify-the-log.md").read_text("utf-8")) if b.kind == "go"]
    (tmp_path / "verify.go").write_text(program.text)
    cache = str(tmp_path / "cache")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOFLAGS": "",
        "GOCACHE": cache,
    }
    subprocess.run(["go", "build", "verify.go"], cwd=tmp_path, env=environment, check=True)

    def verified(file: str) -> bool:
        done = subprocess.run(
            [tmp_path / "verify", file, vkey], cwd=tmp_path, capture_output=True, check=False
        )
        return done.returncode == 0 and done.stdout.startswith(b"verified 30")

    assert verified("log.jsonl")
    changed = (tmp_path / "log.jsonl").read_bytes().replace(b'"contact.read"', b'"contact.reed"', 1)
    (tmp_path / "changed.jsonl").write_bytes(changed)
    assert not verified("changed.jsonl")


def test_the_lists_are_kept_as_the_how_to_says(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numbers.txt").write_text("0470 12 34 56\n+32470999999\n")
    done = 0
    for block in blocks((HOW_TO / "keep-do-not-call-lists.md").read_text("utf-8")):
        for line in block.text.splitlines() if block.kind == "sh" else ():
            if line.startswith("zgoda "):
                assert guard(zgoda, shlex.split(line)[1:]) == 0, capsys.readouterr().err
                done += 1
            else:
                subprocess.run(line, shell=True, check=True)
    told = capsys.readouterr().out
    assert done == 3
    assert "Listed 2 new of 2 entries" in told
    assert "never imported: no exemption for call in SE" in " ".join(told.split())
    assert "Listed 1 new of 1 entries" in told


async def test_a_request_of_a_new_person_is_recorded_by_the_calls_of_the_how_to_alone(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    page = (HOW_TO / "let-persons-manage-their-choices.md").read_text("utf-8")
    calls = [block.text for block in blocks(page) if block.kind == "http"]
    made = await key(workspace, "admin")

    async def send(call: str) -> httpx.Response:
        head, _, body = call.partition("\n\n")
        method, path = head.splitlines()[0].split()
        named = dict(line.replace("KEY", made).split(": ") for line in head.splitlines()[1:])
        return await client.request(method, path, headers=named, json=json.loads(body))

    early = await send(calls[-1])
    told = early.json()
    assert (early.status_code, told["code"], told["field"]) == (404, "contact.unknown", "/subject")
    assert "POST /api/v1/contacts" in told["mend"]
    answers = [await send(call) for call in calls]
    assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]
    assert answers[1].json()["entries"][0]["contact"] == answers[0].json()["id"]
