"""Migrations run on start: again without effect, and by one process at a time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from registry.kit import migrations
from registry.kit.database import Urls
from registry.kit.errors import Refused
from registry.kit.shipped import folder

_ASK = """
from registry.kit.shipped import folder
from registry.policy import loader
print(folder("migrations"), len(loader.load(None).purposes))
"""


def tables(urls: Urls) -> int:
    with psycopg.connect(urls.owner) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert row is not None
        return int(row[0])


def test_migrating_again_changes_nothing(empty_urls: Urls) -> None:
    migrations.upgrade(empty_urls.owner)
    made = tables(empty_urls)
    migrations.upgrade(empty_urls.owner)
    assert tables(empty_urls) == made > 20


def test_the_last_migration_by_name_is_the_one_that_alembic_would_reach() -> None:
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrations.head()]


def test_a_no_of_an_address_from_before_objects_and_the_gates_rows_are_written_anew(empty_urls: Urls) -> None:
    """Rows of a released database: what nobody knows of is the stricter, and every purpose is filled again."""
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(empty_urls.owner))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.commit()
        connection.exec_driver_sql(
            "INSERT INTO address (id, kind, mac) VALUES (gen_random_uuid(), 1, 'x');"
            "INSERT INTO address_refusal (address_id, id, controller, purpose, channel, cause, acted_at)"
            " SELECT id, id, 'nordwind', '*', '*', 'person', now() FROM address;"
            "INSERT INTO purpose VALUES (1, 'newsletter', 'nordwind', 'marketing', NULL, 'x')"
        )
        connection.commit()
    engine.dispose()
    migrations.upgrade(empty_urls.owner)
    with psycopg.connect(empty_urls.owner) as asked:
        assert asked.execute("SELECT objection FROM address_refusal").fetchall() == [(True,)]
        assert asked.execute("SELECT filled_from FROM purpose").fetchall() == [(None,)]


def test_several_that_start_at_once_migrate_once(empty_urls: Urls) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrations.upgrade, [empty_urls.owner] * 4))
    with psycopg.connect(empty_urls.owner) as connection:
        row = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
        assert row == (1,)
        locks = connection.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        ).fetchone()
        assert locks == (0,)


def test_a_database_of_a_later_version_is_refused(empty_urls: Urls) -> None:
    migrations.upgrade(empty_urls.owner)
    with psycopg.connect(empty_urls.owner) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused, match=r"database\.schema_newer"):
        migrations.upgrade(empty_urls.owner)


def test_the_owner_who_migrates_is_no_superuser(empty_urls: Urls) -> None:
    migrations.upgrade(empty_urls.owner)
    with psycopg.connect(empty_urls.owner) as connection:
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)


def test_in_a_checkout_the_shipped_folders_are_those_beside_the_code() -> None:
    top = Path(__file__).parents[2]
    assert folder("migrations") == top / "migrations"
    assert folder("policies") == top / "policies"


def test_a_wheel_carries_policies_and_migrations_and_finds_them(tmp_path: Path) -> None:
    top = Path(__file__).parents[2]
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "registry", "policies", "migrations"):
        subprocess.run(["cp", "-r", str(top / name), str(tree)], check=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(tmp_path),
            ".",
        ],
        cwd=tree,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("zgoda-*.whl")
    installed = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(installed)], check=True)
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            _ASK,
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert Path(found[0]) == installed / "registry" / "_shipped" / "migrations"
    assert int(found[1]) >= 4
    shipped = installed / "registry" / "_shipped"
    for name in ("policies", "migrations"):
        have = {path.relative_to(shipped / name) for path in (shipped / name).rglob("*") if path.is_file()}
        want = {path.relative_to(top / name) for path in (top / name).rglob("*") if path.is_file()}
        assert have == {path for path in want if "__pycache__" not in path.parts}
