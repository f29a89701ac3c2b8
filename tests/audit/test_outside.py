"""Tools that we did not write accept our log: Go's sumdb, which guards the Go module mirror."""

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from registry.audit import entries, export, queries, service
from registry.kit.caller import Caller

CALLER = Caller("operator", "operation", "test")
SOURCE = Path(__file__).with_name("go") / "main.go"


def go(folder: Path, given: dict) -> list[str]:
    """Build and run the Go program with Debian's golang-golang-x-mod-dev, no network."""
    settings = {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOFLAGS": "",
        "GOCACHE": str(folder / "cache"),
    }
    environment = {**os.environ, **settings}
    program = folder / "verify"
    subprocess.run(["go", "build", "-o", program, SOURCE], env=environment, check=True)
    done = subprocess.run([program], input=json.dumps(given).encode(), capture_output=True, check=True)
    return done.stdout.decode().splitlines()


@pytest.mark.system
async def test_go_sumdb_accepts_checkpoint_inclusion_and_consistency(workspace, tmp_path):
    database, ring = workspace.database, workspace.ring
    ids = []
    for part in (3, 5, 250, 43):
        async with database.begin(CALLER) as session:
            ids += [await entries.append(session, ring, "contact.read", detail={"n": n}) for n in range(part)]
        await export.sealed_through_now(database, ring, CALLER)
    async with database.begin(CALLER) as session:
        vkey = (await queries.signer(session, ring)).verifier.vkey
        proven = [await service.prove(session, ring, ids[n]) for n in (0, 1, 7, 150, 255, 256, len(ids) - 1)]
        published = await queries.checkpoints(session, 0, 100)
        grown = []
        for old in published:
            path, new = await service.consistency(session, old.size)
            steps = [base64.b64encode(each).decode() for each in path]
            grown.append({"old": old.note, "new": new.note, "path": steps})
    shown = [{"entry": base64.b64encode(each.entry).decode(), "proof": each.proof} for each in proven]
    answers = go(tmp_path, {"vkey": vkey, "entries": shown, "consistency": grown})
    assert answers == ["ok"] * (len(shown) + len(grown))

    first = {**shown[2], "entry": base64.b64encode(proven[2].entry.replace(b"test", b"tesu")).decode()}
    forged = {**shown[2], "proof": shown[2]["proof"].replace("\n\nzgoda", "\n\nzgodb")}
    shrunk = {**grown[0], "path": grown[0]["path"][1:]}
    refused = go(tmp_path, {"vkey": vkey, "entries": [first, forged], "consistency": [shrunk]})
    assert "ok" not in refused
