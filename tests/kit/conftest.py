"""Data folders with a cluster in them, for the tests of the embedded PostgreSQL."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit.postgres import embedded_blocking

# Only root changes to another user.
collect_ignore = [] if os.geteuid() == 0 else ["test_postgres_as_root.py"]


@pytest.fixture(scope="module")
def seed() -> Iterator[Path]:
    """A data folder with a cluster, made once: initdb is slow."""
    with tempfile.TemporaryDirectory(dir=os.environ["ZGODA_TEST_RUN"]) as folder:
        Path(folder).chmod(0o711)
        with embedded_blocking(Path(folder) / "data", durable=False):
            pass
        yield Path(folder) / "data"


@pytest.fixture
def made_folder(seed: Path, data_folder: Path) -> Path:
    """A data folder whose server ran before."""
    subprocess.run(["cp", "-a", str(seed), str(data_folder)], check=True)
    return data_folder
