"""A database that is lent to one test after the other comes back as it was, whatever was done to it."""

import psycopg
import pytest

from tests.installation import Server
from tests.lending import Lender


def holds(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        return {
            name: [row for (row,) in connection.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')]
            for (name,) in tables
        }


def of(server: Server, name: str) -> str:
    """The database of that name, as the superuser sees it."""
    return psycopg.conninfo.make_conninfo(server.superuser_url, dbname=name)


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO zone (id, name) SELECT max(id) + 1, 'Nowhere/Atall' FROM zone",
        "UPDATE zone SET name = name || '/Elsewhere'",
        "DELETE FROM key_epoch",
        "TRUNCATE notice",
        "ALTER TABLE zone ADD COLUMN more int",
    ],
)
def test_what_was_changed_is_put_back(server: Server, lender: Lender, change: str) -> None:
    first, _ = lender.lend()
    lender.take_back(first)
    before = holds(of(server, first))
    name, _ = lender.lend()
    with psycopg.connect(of(server, name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(change)
        # Whoever is still there is made to leave, and counts as well.
        lender.take_back(name)
    again, _ = lender.lend()
    assert holds(of(server, again)) == before
    lender.take_back(again)


def test_a_row_that_a_rolled_back_transaction_left_is_nobodys(server: Server, lender: Lender) -> None:
    name, _ = lender.lend()
    lender.take_back(name)
    before = holds(of(server, name))
    name, _ = lender.lend()
    with psycopg.connect(of(server, name)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM policy_version")
        connection.rollback()
    lender.take_back(name)
    assert holds(of(server, name)) == before
