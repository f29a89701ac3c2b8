"""A folder of policies to change."""

from pathlib import Path

import pytest

from tests.collection.forms import copied


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path)
