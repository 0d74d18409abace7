"""What the commands' own server leaves out when it starts on a home that it knows."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from prefect.settings import Settings

from xrt_products.flows.cli.server import NO_AUTOMATIONS
from xrt_products.flows.cli.server_setup import LEFT_OUT, SETUP, leave_out_known_setup, note_setup


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in LEFT_OUT:
        monkeypatch.setenv(name, "")  # so that what the code sets goes with the test
        monkeypatch.delenv(name)
    migrate(tmp_path / "prefect.db", "newest")
    return tmp_path


def migrate(database: Path, revision: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))


def left_out(home: Path) -> bool:
    leave_out_known_setup(home)
    return LEFT_OUT.items() <= os.environ.items()


def edit(home: Path, **changes: object) -> None:
    path = home / SETUP
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_first_start_does_all(home: Path) -> None:
    assert not left_out(home)


def test_a_start_after_a_complete_one_leaves_out_migrations_and_blocks(home: Path) -> None:
    note_setup(home)

    assert left_out(home)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"prefect": "3.8.8"}, id="another Prefect"),
        pytest.param({"collections": {"xrt-products": "0.0.1"}}, id="other blocks"),
        pytest.param({"database": "older"}, id="other migrations"),
    ],
)
def test_what_has_changed_since_is_set_up_anew(home: Path, changes: dict[str, object]) -> None:
    note_setup(home)
    edit(home, **changes)

    assert not left_out(home)


@pytest.mark.parametrize("content", [None, b"", b"no database " * 1000], ids=["gone", "empty", "not one"])
def test_a_database_that_is_not_the_one_of_the_last_start_is_migrated(home: Path, content: bytes | None) -> None:
    note_setup(home)
    (home / "prefect.db").unlink()
    if content is not None:
        (home / "prefect.db").write_bytes(content)

    assert not left_out(home)


def test_a_start_without_a_database_of_its_own_is_never_cut_short(home: Path) -> None:
    (home / "prefect.db").unlink()
    note_setup(home)

    assert not left_out(home)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_note_that_cannot_be_read_is_none(home: Path, text: str) -> None:
    (home / SETUP).write_text(text)

    assert not left_out(home)


def test_the_variables_are_prefects(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (LEFT_OUT | NO_AUTOMATIONS).items():
        monkeypatch.setenv(name, value)

    server = Settings().server

    assert not server.database.migrate_on_start
    assert not server.register_blocks_on_start
    assert not server.memoize_block_auto_registration
    assert not server.services.triggers.enabled
