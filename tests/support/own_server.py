"""A Prefect server of a test's own, which can be killed and started again."""

from __future__ import annotations

from pathlib import Path

import requests
from prefect_runs import BIN, Group, free_port, wait_for

TIMEOUT = 90.0  # s


class OwnServer:
    """A Prefect server of the test's own, on a copy of the session's database."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.api = f"http://127.0.0.1:{(port := free_port())}/api"
        self.environment = {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        }
        self._command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        self._group: Group | None = None

    def start(self) -> None:
        self._group = Group(self._command, self.home / "server.log", self.home, **self.environment)
        wait_for("the Prefect server", self.answers, TIMEOUT, 0.3)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.api}/health", timeout=2).ok
        except requests.RequestException:
            return False

    def kill(self) -> None:
        if self._group is not None:
            self._group.kill()
            self._group = None

    def state(self) -> str:
        """Return the state of the script's run: of no deployment, and the last to begin."""
        ours = {"flow_runs": {"deployment_id": {"is_null_": True}}, "flows": {"name": {"any_": ["request products"]}}}
        runs = requests.post(
            f"{self.api}/flow_runs/filter", json=ours | {"sort": "START_TIME_DESC", "limit": 1}, timeout=30
        )
        return str(runs.json()[0]["state_type"])
