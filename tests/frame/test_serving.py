"""The command as a person runs it: init, serve, a second serve, a signal, a clean end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from registry.kit.postgres import cluster_of

pytestmark = [pytest.mark.crash, pytest.mark.embedded]


def zgoda(data: Path, *args: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "registry", "--data", str(data), *args],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(data: Path, *args: str) -> Iterator[tuple["subprocess.Popen[str]", httpx.Client]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "registry", "--data", str(data), "serve", "--port", str(port), *args],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            for _ in range(600):
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.poll() is None, process.communicate()
                time.sleep(0.1)
            yield process, client
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ["ZGODA_TEST_RUN"]) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def admin_key(data: Path) -> str:
    """The folder as `zgoda init --json` leaves it."""
    done = zgoda(data, "init", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert re.fullmatch(r"zgoda_admin_[0-9A-Za-z]{36}", said["admin_key"])
    assert re.fullmatch(r"\S+\+[0-9a-f]{8}\+\S+", said["log_vkey"])
    return str(said["admin_key"])


def test_init_on_an_initialised_folder_is_refused_in_one_line(data: Path, admin_key: str) -> None:
    again = zgoda(data, "init")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("zgoda: data.initialised: ")
    assert again.stderr.count("\n") == 1


def test_a_folder_that_was_never_initialised_is_told_what_to_do(data: Path) -> None:
    missing = zgoda(data.parent / "missing", "apikey", "list")
    assert missing.returncode == 1
    assert "run zgoda init" in missing.stderr
    assert missing.stderr.count("\n") == 1


def test_it_serves_refuses_a_second_one_and_ends_with_0(data: Path, admin_key: str) -> None:
    with serving(data, "--new-admin-key") as (process, client):
        assert client.get("/healthz").status_code == 200
        for _ in range(50):
            if client.get("/log/checkpoint").status_code == 200:
                break
            time.sleep(0.1)  # what init wrote is sealed within a second
        assert client.get("/log/checkpoint").status_code == 200
        second = zgoda(data, "serve", "--port", "0")
        assert second.returncode == 1
        assert second.stderr.startswith("zgoda: serve.running: ")
        assert zgoda(data, "apikey", "list").returncode == 0, "other commands share the server"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert re.search(r"Zgoda answers at http://127\.0\.0\.1:\d+\n.*zgoda_admin_\w+\n$", out)
    assert all(json.loads(line) for line in err.splitlines()), "stderr is JSON lines"
    assert cluster_of(data).pid() is None


def test_a_database_that_is_killed_under_it_comes_back(data: Path, admin_key: str) -> None:
    with serving(data) as (process, client):
        pid = cluster_of(data).pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        for _ in range(300):
            if (
                cluster_of(data).pid() not in (None, pid)
                and client.get("/readyz", timeout=30).status_code == 200
            ):
                break
            time.sleep(0.1)
        assert client.get("/readyz").status_code == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_after_kill_9_it_starts_again(data: Path, admin_key: str) -> None:
    with serving(data) as (process, _):
        process.kill()
        process.communicate()
    assert cluster_of(data).pid() is not None
    with serving(data) as (process, client):
        assert client.get("/healthz").status_code == 200
        process.terminate()
        process.communicate(timeout=30)
    assert cluster_of(data).pid() is None


def test_a_taken_port_and_a_wrong_relay_are_one_line(data: Path, admin_key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = zgoda(data, "serve", "--port", port)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "serve.address_taken" in refused.stderr
    wrong = zgoda(data, "serve", "--smtp", "mail.example.org")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_the_worker_alone_seals_and_ends_with_0(data: Path, admin_key: str) -> None:
    command = [sys.executable, "-m", "registry", "--data", str(data), "worker"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stderr is not None
        for line in worker.stderr:
            if json.loads(line)["event"] == "worker.started":
                break
        worker.terminate()
        worker.communicate(timeout=30)
    assert worker.returncode == 0


def test_keys_and_journal_are_for_their_owner_alone(data: Path, admin_key: str) -> None:
    for path in data.rglob("*"):
        assert not path.lstat().st_mode & 0o077, path
