"""`python -m ukssdc.emulator`: serve the emulated service until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from ukssdc.emulator import Emulator, Scenario, ScenarioError

PORT = 8951
EPILOG = """\
Scenarios say how long each product takes, and how it ends:

  products:
    all:        {queued: 10}             # seconds of service time
    Spectrum:   {running: 60, ends: -3}
    Image:      {size: 256 MiB}
  targets:
    M82:
      LightCurve: {ends: -2}

Example, 60x real time:

  python -m ukssdc.emulator --speed 60
"""

MINUTE = 60.0  # s


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ukssdc.emulator",
        description="The UKSSDC Swift-XRT product service, emulated on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=PORT, help=f"port on 127.0.0.1, 0 for any free port ({PORT})")
    parser.add_argument("--speed", type=_speed, default=1.0, help="service seconds per second (1)")
    parser.add_argument(
        "--user",
        action="append",
        metavar="EMAIL",
        help="registered e-mail address; repeatable (observer@example.org)",
    )
    parser.add_argument("--scenario", metavar="FILE", help="YAML file that says how the builds go (all complete)")
    parser.add_argument("--max-active-jobs", type=_count, default=50, metavar="N", help="per user (50)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, and return the exit status."""
    given = make_parser().parse_args(arguments)
    users = given.user or ["observer@example.org"]
    try:
        scenario = Scenario.from_yaml(given.scenario) if given.scenario else None
        emulator = Emulator(given.port, given.speed, users, scenario, max_active_jobs=given.max_active_jobs).start()
    except (ScenarioError, OSError) as error:
        hint = " Choose another with --port, or use --port 0 for any free port." if isinstance(error, OSError) else ""
        sys.stderr.write(f"{error.strerror if isinstance(error, OSError) else error}.{hint}\n")
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sys.stdout.write(
        f"The emulated UKSSDC product service answers at {emulator.url}, {given.speed:g}x real time.\n\n"
        f"  export UKSSDC_URL={emulator.url}\n  export UKSSDC_USER={users[0]}\n"
        f"{_poll_hint(given.speed)}\nPress Ctrl-C to stop.\n"
    )
    sys.stdout.flush()
    stop.wait()
    emulator.stop()
    return 0


def _poll_hint(speed: float) -> str:
    """Return how to poll a compressed service as often as a real one."""
    if speed == 1:
        return ""
    return f"\nA minute of it takes {MINUTE / speed:.3g} s: run with --interval {MINUTE / speed:.3g}.\n"


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the highest port
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of jobs (1 or more)")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed (a number above 0, e.g. 60 for 60x real time)")
    return speed


if __name__ == "__main__":
    sys.exit(main())
