"""A real `zgoda import` killed at moments of chance, then run again: no row is lost and none is there twice."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from registry.exchange import sample
from registry.kit.caller import Caller
from registry.kit.config import Settings
from registry.opening import opened

PEOPLE = 3000
KILLS = 4


def command(data: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "registry", "--data", str(data), *args]


def told(data: Path, *args: str) -> dict[str, Any]:
    done = subprocess.run(command(data, *args, "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


async def persons(data: Path) -> int:
    async with (
        opened(Settings(data=data)) as workspace,
        workspace.database.begin(Caller("operator")) as session,
    ):
        return int(await session.value("SELECT count(*) FROM contact"))


@pytest.mark.crash
def test_killed_at_any_moment_and_run_again_it_is_as_if_never_killed(
    data_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "people.zip"
    sample.write(PEOPLE, 5, path)
    counts = json.loads(Path(f"{path}.truth.json").read_bytes())["counts"]
    told(data_folder, "init")
    importing = ("import", str(path), "--format", "mailchimp", "--mapping", f"{path}.mapping.toml")
    chance = random.Random(5)
    killed = 0
    for number in range(KILLS):
        process = subprocess.Popen(
            command(data_folder, *importing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # The first is killed at its very beginning: no machine is through by then.
        time.sleep(chance.uniform(0.6, 1.2) + number * 0.7)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        if process.wait() == 0:
            break  # it was quicker than we
    assert killed > 0
    done = told(data_folder, *importing)
    if done["resumed"]:
        # One that was killed after its last row leaves nothing to resume, and the next one finds everybody known.
        assert done["created"] in (counts["imported"], 0)
        assert done["rejected_by"] == counts["rejected_by"]
        listed = Path(f"{path}.rejects.csv").read_text().splitlines()
        assert len(listed) - 1 == len(set(listed[1:])) == counts["rejected"]
    assert asyncio.run(persons(data_folder)) == counts["imported"]
    again = told(data_folder, *importing)
    assert (again["created"], again["granted"], again["unknown"], again["withdrawn"]) == (0, 0, 0, 0)
    assert again["matched"] == counts["rows"] - counts["rejected"]
