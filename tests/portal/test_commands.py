"""`zgoda request list` and `zgoda retention sweep`, as somebody types them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from registry.cli import zgoda
from registry.kit.config import Settings
from registry.kit.database import Urls
from registry.kit.terminal import guard
from registry.subject_requests.deadlines import one_month

MAPPING = """
purpose = "newsletter"
channel = "email"
source = "test file"

[columns]
email = "email"
external_id = "id"
"""
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))
    (tmp_path / "people.csv").write_text("email,id\nanna@example.test,C-1\n")
    (tmp_path / "people.toml").write_text(MAPPING)

    def call(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert guard(zgoda, [*words, "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return found

    call(
        "import", str(tmp_path / "people.csv"), "--format", "csv", "--mapping", str(tmp_path / "people.toml")
    )
    return call


def test_a_yes_at_the_terminal_is_asked_about_and_lapses_at_its_term(run: Run, urls: Urls) -> None:
    run(
        "consent", "grant", "email:anna@example.test", "club-letter", "email",
        "--act", "spoken", "--notice", "3", "--locale", "pl",
    )  # fmt: skip
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        queued = connection.execute("SELECT letter, locale FROM message").fetchall()
        assert queued == [("confirmation", "pl")]
        assert run("retention", "sweep") == {"requests": 0, "persons": 0}
        connection.execute("UPDATE confirmation SET requested_at = requested_at - interval '7 days'")
        assert run("retention", "sweep") == {"requests": 1, "persons": 0}
        assert run("retention", "sweep") == {"requests": 0, "persons": 0}
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (0,)


def test_requests_that_wait_are_listed_with_their_last_day(run: Run, urls: Urls) -> None:
    assert run("request", "list") == {"requests": []}
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO subject_request (id, contact_id, kind, state, actor)"
            " SELECT gen_random_uuid(), id, 'access', 'received', 'person' FROM contact"
        )
    (waiting,) = run("request", "list", "--reason", "daily round")["requests"]
    assert waiting["kind"] == "access"
    assert waiting["due"] == one_month(datetime.now(UTC).date()).isoformat()
    run("contact", "export", "external:C-1")
    assert run("request", "list") == {"requests": []}
