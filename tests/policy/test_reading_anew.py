"""A running server goes on by the policies that were put in force, untold and turning nobody away."""

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.frame.test_serving import serving, zgoda
from tests.policy.folders import copied, replace

pytestmark = [pytest.mark.crash, pytest.mark.embedded]


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=os.environ["ZGODA_TEST_RUN"]) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def test_a_running_server_reads_them_anew_and_answers_throughout(data: Path, tmp_path: Path) -> None:
    done = zgoda(data, "init", "--json")
    assert done.returncode == 0, done.stderr
    key = json.loads(done.stdout)["admin_key"]
    folder = copied(tmp_path)
    policy = "purposes/newsletter/policy.toml"
    replace(folder, policy, 'class = "marketing"', 'class = "marketing"\ninactive_after_days = 3000')
    with serving(data) as (process, client):
        before = _version(client, key)
        statuses: list[int] = []
        stop = threading.Event()

        def asking() -> None:
            while not stop.is_set():
                with httpx.Client(base_url=client.base_url, timeout=60) as another:
                    statuses.append(another.get("/healthz").status_code)
                time.sleep(0.05)

        asker = threading.Thread(target=asking)
        asker.start()
        said = ("--author", "A. Lawyer", "--reason", "inactivity", "--yes", "--json")
        applied = zgoda(data, "policy", "apply", str(folder), *said)
        assert applied.returncode == 0, applied.stderr
        until = time.monotonic() + 60
        while (now := _version(client, key)) == before and time.monotonic() < until:
            time.sleep(0.2)
        stop.set()
        asker.join()
        assert now != before
        assert set(statuses) == {200}
        assert client.get("/readyz").json()["policies"] is True
        assert process.poll() is None


def _version(client: httpx.Client, key: str) -> str:
    """The version of the newsletter's policy by which a check is answered."""
    question = {"subject": {"email": "nobody@example.org"}, "purpose": "newsletter", "channel": "email"}
    headers = {"Authorization": f"Bearer {key}", "Zgoda-Purpose": "operation", "Zgoda-Reason": "test"}
    done = client.post("/api/v1/decisions", json=question, headers=headers, timeout=60)
    assert done.status_code in (200, 201), done.text
    return str(done.json()["policy"])
