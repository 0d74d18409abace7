"""What Prefect's server does to its database at each start, and needs once: left out where it has been done."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from importlib.metadata import entry_points, version
from pathlib import Path

SETUP = "setup.json"  # in the server's home: what its last complete start was made of
# Half a second, in which Prefect imports all collections to see whether they have new types of blocks.
LEFT_OUT = {
    "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
    "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
}


def leave_out_known_setup(home: Path) -> None:
    """Have the server that this process becomes leave out what its home has already; before Prefect is imported.

    Another version of Prefect, or of a package with blocks, or a database in another state: and all is done again.
    """
    with suppress(OSError, ValueError):
        now = _describe(home)
        if now["database"] is not None and now == json.loads((home / SETUP).read_text("utf-8")):
            os.environ |= LEFT_OUT


def note_setup(home: Path) -> None:
    """Take note that a server has started on this home."""
    with suppress(OSError):  # the next start takes a little longer
        (home / SETUP).write_text(json.dumps(_describe(home)), "utf-8")


def _describe(home: Path) -> dict[str, object]:
    packages = {e.dist.name: e.dist.version for e in entry_points(group="prefect.collections") if e.dist is not None}
    return {"prefect": version("prefect"), "collections": packages, "database": _revision(home / "prefect.db")}


def _revision(database: Path) -> str | None:
    """Return the last migration of a database; None where there is none, or no database."""
    if not database.exists():  # connecting makes one
        return None
    with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    return None
