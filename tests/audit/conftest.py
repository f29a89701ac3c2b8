"""What the tests of the log share: a hand that may do anything to the database, as an attacker inside has."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import make_conninfo


@pytest.fixture
def superuser(server, urls) -> Callable[..., list[tuple]]:
    """Run statements as the database's superuser, with triggers off."""
    name = psycopg.conninfo.conninfo_to_dict(urls.app)["dbname"]

    def run(statement: str, params: object = None) -> list[tuple]:
        with psycopg.connect(make_conninfo(server.superuser_url, dbname=name)) as connection:
            connection.execute("SET session_replication_role = replica")
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    return run
