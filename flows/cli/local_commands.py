"""The commands about this machine: the emulator, the demonstration, what to deploy."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.deployments import deployments

SCENARIO_HELP = """\
A scenario, for instance:

```yaml
products:
  all:         {queued: 10, running: 60}    # seconds of service time
  Spectrum:    {ends: -3}                   # runs, and fails
  AstromPos:   {ends: -4}                   # is cancelled
  Image:       {size: 256 MiB}
targets: {M82: {LightCurve: {ends: -2}}}    # for this target only
```

The emulator keeps its jobs in memory: started again, it knows none of them."""


app.command(deployments)


@app.command(help_epilogue=SCENARIO_HELP)
def emulator(
    *, port: int = 8951, speed: float = 1.0, user: str = "observer@example.org", scenario: Path | None = None
) -> int:
    """Serve the emulator of the service on this machine, until Ctrl-C.

    Parameters
    ----------
    port
        Where to listen, on 127.0.0.1.
    speed
        Service seconds per second: 60 makes a minute's work of the service last a second.
    user
        The registered e-mail address.
    scenario
        YAML file that says how long each product takes and how it ends.
    """
    from ukssdc.emulator.__main__ import main as serve  # noqa: PLC0415 - starlette and uvicorn only where they serve

    arguments = ["--port", str(port), "--speed", str(speed), "--user", user]
    return serve([*arguments, *(["--scenario", str(scenario)] if scenario else [])])


@app.command
def demo(*, keep: bool = False) -> int:
    """Run everything on this machine: emulator, Prefect server, and the flow for GRB 200416A.

    Parameters
    ----------
    keep
        Leave the Prefect server up, to look around in its UI.
    """
    from xrt_products.flows.cli.demo import run_demo  # noqa: PLC0415 - it sets Prefect up before Prefect is imported

    return run_demo(keep=keep)


@app.command
def ui() -> int:
    """Show the history of your runs in Prefect's UI, until Ctrl-C: of those without a Prefect server of their own."""
    from xrt_products.flows.cli.user_server import ensure_server  # noqa: PLC0415 - it takes its time

    server = ensure_server()
    if server is None:
        from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL  # noqa: PLC0415 - it takes its time

        sys.stdout.write(f"A Prefect server is set up: {PREFECT_UI_URL.value() or PREFECT_API_URL.value()}\n")
        return 0
    server.wait()
    sys.stdout.write(f"Open {server.url}/runs in a browser; Ctrl-C ends this, and no run\n")
    sys.stdout.flush()
    threading.Event().wait()
    return 0
