"""Any server is asked before personal data goes in, and a refusal says what to type."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import time_machine
from psycopg import sql

from registry.kit import clock, server_settings
from registry.kit.database import Urls
from registry.kit.errors import Refused, Unavailable
from tests import installation

REQUIREMENTS = (*server_settings.DURABILITY, *server_settings.SILENCE)


def set_for_database(server: installation.Server, urls: Urls, name: str, value: str) -> None:
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        database = psycopg.conninfo.conninfo_to_dict(urls.owner)["dbname"]
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(str(database)), sql.Identifier(name), value
            )
        )


def test_the_suites_own_server_is_accepted_without_its_durability(empty_urls: Urls) -> None:
    server_settings.check(empty_urls)


@pytest.mark.parametrize("requirement", server_settings.DURABILITY[:2], ids=lambda r: r.name)
def test_a_server_that_may_lose_commits_is_refused(
    requirement: server_settings.Requirement, empty_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_settings, "REQUIREMENTS", (requirement,))
    with pytest.raises(Refused, match=r"database\.unsafe_setting") as refusal:
        server_settings.check(empty_urls)
    assert refusal.value.mend == f"ALTER SYSTEM SET {requirement.name} = 'on'; SELECT pg_reload_conf();"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_error_verbosity", "default"),
        ("log_parameter_max_length_on_error", "-1"),
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
    ],
)
def test_a_server_that_writes_values_to_its_log_is_refused(
    name: str, value: str, server: installation.Server, empty_urls: Urls
) -> None:
    set_for_database(server, empty_urls, name, value)
    with pytest.raises(Refused, match=r"database\.unsafe_setting") as refusal:
        server_settings.check(empty_urls)
    assert name in refusal.value.detail
    assert f"ALTER SYSTEM SET {name} = '" in str(refusal.value.mend)
    assert "\n" not in refusal.value.line()


def test_a_missing_role_is_told_with_the_sql_that_makes_it(
    empty_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_settings, "APP", "zgoda_app_of_nobody")
    with pytest.raises(Refused, match=r"database\.role_missing") as refusal:
        server_settings.check(empty_urls)
    assert "CREATE ROLE zgoda_app_of_nobody LOGIN PASSWORD" in str(refusal.value.mend)


def test_a_url_of_the_wrong_role_is_refused(empty_urls: Urls) -> None:
    with pytest.raises(Refused, match=r"database\.role_wrong"):
        server_settings.check(replace(empty_urls, app=empty_urls.owner))


def test_a_server_that_is_not_there_is_one_line_without_the_password(empty_urls: Urls) -> None:
    gone = "postgresql://zgoda_owner:geheim@127.0.0.1:9/zgoda"
    with pytest.raises(Unavailable, match=r"database\.unavailable") as refusal:
        server_settings.check(replace(empty_urls, owner=gone))
    assert "geheim" not in refusal.value.line()


def test_an_encoding_that_cannot_hold_names_is_refused(server: installation.Server) -> None:
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE latin OWNER zgoda_owner TEMPLATE template0 ENCODING 'LATIN1'"
            " LOCALE_PROVIDER libc LOCALE 'C'"
        )
    try:
        with pytest.raises(Refused, match=r"database\.encoding_wrong"):
            server_settings.check(server.urls("latin"))
    finally:
        server.drop("latin")


def test_a_clock_that_was_moved_is_refused(empty_urls: Urls) -> None:
    with time_machine.travel(clock.now() - timedelta(hours=1)):
        with pytest.raises(Refused, match=r"clock\.differs") as refusal:
            server_settings.check(empty_urls)
    assert refusal.value.mend == "let both follow the same time service"
    server_settings.check(empty_urls)
