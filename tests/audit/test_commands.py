"""`zgoda audit`: export and verify as an operator and an auditor use them."""

import json

import psycopg
import pytest

from registry.cli import zgoda
from registry.kit import postgres
from registry.kit.terminal import guard


@pytest.fixture
def run(data_folder, capsys):
    """Run `zgoda`; returns the exit code and what was said, as an object if stdout holds one."""

    def call(*args):
        code = guard(zgoda, ["--data", str(data_folder), *map(str, args)])
        out, err = capsys.readouterr()
        return code, (json.loads(out) if "--json" in args and out else out), err

    return call


def test_export_and_verify_from_the_command_line(run, data_folder, tmp_path):
    code, made, _ = run("init", "--json")
    assert code == 0
    key = made["log_vkey"]
    file, kept = tmp_path / "log.ndjson", tmp_path / "checkpoint"

    code, told, _ = run("audit", "export", file, "--json")
    assert code == 0
    assert told["vkey"] == key
    kept.write_text(told["checkpoint"])
    code, report, _ = run("audit", "verify", file, "--key", key, "--json")
    assert code == 0
    assert report["verified"] is True
    assert report["entries"] == report["size"] == told["size"]
    assert (report["root"], report["origin"], report["tampered"]) == (told["root"], told["origin"], [])

    assert run("audit", "export", file)[0] == 0
    code, said, _ = run("audit", "verify", file, "--key", key, "--since", kept)
    assert code == 0
    assert said.startswith("Verified:")
    assert f"extends the checkpoint of {told['size']}" in said

    with postgres.embedded_blocking(data_folder):
        with psycopg.connect(
            postgres.cluster_of(data_folder).superuser_url, dbname=postgres.DATABASE
        ) as attacker:
            attacker.execute("SET session_replication_role = replica")
            attacker.execute("UPDATE audit_entry SET body = overlay(body PLACING 'X' FROM 15) WHERE id = 1")
    assert run("audit", "export", file)[0] == 0
    code, report, err = run("audit", "verify", file, "--key", key, "--json")
    assert code == 1
    assert err == ""
    assert report["verified"] is False
    assert [each["leaf"] for each in report["tampered"]] == [0]
    code, said, _ = run("audit", "verify", file, "--key", key)
    assert code == 1
    assert "leaf 0 (entry 1): the entry was changed" in said


def one_line(err: str) -> bool:
    return err.startswith("zgoda: ") and err.count("\n") == 1 and "Traceback" not in err


def test_what_cannot_be_verified_is_one_line(run, tmp_path):
    key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    file = tmp_path / "log"
    code, _, err = run("audit", "verify", file, "--key", key)
    assert (code, one_line(err)) == (2, True)
    for content in (b"", b"\xff\x00", b"hello\n", b'{"format":"zgoda-audit-export-1","checkpoint":"x"}\n'):
        file.write_bytes(content)
        code, _, err = run("audit", "verify", file, "--key", key)
        assert (code, one_line(err)) == (1, True), err
    code, _, err = run("audit", "verify", file, "--key", "nonsense")
    assert (code, one_line(err)) == (2, True)
    code, _, err = run("audit", "verify", file, "--key", key, "--since", file)
    assert (code, one_line(err)) == (1, True)
    assert run("audit", "verify", file)[0] == 2
    assert run("audit", "verify", tmp_path, "--key", key)[0] == 2


def test_an_export_without_an_installation_is_one_line(run, tmp_path):
    code, _, err = run("audit", "export", tmp_path / "log")
    assert (code, one_line(err)) == (1, True)
    assert "init" in err
