"""What is being waited for, in words: the last line below the live table, or a line for each change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from rich.console import Group
from rich.text import Text

from ukssdc.errors import NoSlot, TransportError, UKSSDCError
from ukssdc.texts import replace_controls, shorten
from ukssdc.times import clock
from ukssdc.tracker import JobTracker

MAX_TEXT = 100  # characters of an error that has no words of its own here
EXPIRY = 5.0  # s after which a wait that is over is not shown any more: the try may take its time
AGAIN = "the service answers again"


@dataclass(frozen=True)
class Wait:
    """A wait for the next try.

    Attributes
    ----------
    problem : str
        Why there has to be one; empty where there is nothing wrong, and only the next look is waited for.
    since : datetime
        When the problem began, in local time.
    due : float
        When the next try comes, on `ukssdc.times.clock`, s.
    """

    problem: str
    since: datetime
    due: float

    @property
    def text(self) -> str:
        """The problem with its time; the reason stands in brackets behind it."""
        what, bracket, reason = self.problem.partition(" (")
        if not what or what.startswith("waiting"):
            return self.problem
        return f"{what} since {self.since:%H:%M}{bracket}{reason}"

    def __str__(self) -> str:
        seconds = ceil(self.due - clock())
        return "; ".join(filter(None, (self.text, f"next look in {seconds} s" if seconds > 0 else "looking now")))


class Waits:
    """All waits of a run: several tasks may wait at once, and often for the same."""

    def __init__(self) -> None:
        self._waits: dict[str, Wait] = {}

    def note(self, name: str, problem: str, due: float) -> str | None:
        """Take note of a wait.

        Parameters
        ----------
        name : str
            What waits.
        problem : str
            As of a `Wait`.
        due : float
            When it tries again, on `ukssdc.times.clock`, s.

        Returns
        -------
        str or None
            A line, where something has changed.
        """
        before = self._waits.get(name)
        others = {wait.problem for key, wait in self._waits.items() if key != name}
        same = before is not None and before.problem == problem
        since = before.since if same and before is not None else datetime.now().astimezone()
        waits = self._waits | {name: Wait(problem, since, due)}
        self._waits = waits  # at once, because another thread may be drawing
        if same or problem in others:
            return None
        return waits[name].text or (AGAIN if before is not None else None)

    def end(self, name: str) -> str | None:
        """Take note that a wait is over; return a line, where something was wrong."""
        before = self._waits.get(name)
        self._waits = {key: wait for key, wait in self._waits.items() if key != name}
        return AGAIN if before is not None and before.problem.startswith("the service") else None

    def __rich__(self) -> Group:
        shown = {wait.problem: wait for wait in self._waits.values() if wait.due > clock() - EXPIRY}
        if any(shown):
            shown.pop("", None)
        return Group(*(Text(replace_controls(str(wait)), overflow="ellipsis", no_wrap=True) for wait in shown.values()))


def describe_problem(error: Exception) -> str:
    """Say in a few words what has to pass before something is tried again; the reason, if any, in brackets."""
    if isinstance(error, NoSlot):
        return str(error)
    if getattr(error, "disk_full", False):
        return "disk full (make room, and it goes on by itself)"
    if isinstance(error, TransportError):
        return "the service is away" + (f" ({error.reason})" if error.reason else "")
    if isinstance(error, UKSSDCError) and error.refusal:
        return f"the service refuses ({shorten(str(error), MAX_TEXT)})"
    return shorten(str(error).splitlines()[0] if str(error) else type(error).__name__, MAX_TEXT)


def describe_poll(tracker: JobTracker) -> str:
    """Say why a job's last poll brought no status; empty where it did."""
    if tracker.poll_error is not None:
        return describe_problem(tracker.poll_error)
    return "the service refuses to tell of the job" if tracker.refused else ""
