"""How the build of one product goes: its stages, its final status, the size of its archive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple

from ukssdc.emulator.data.result_answers import AWKWARD
from ukssdc.notebook import ShortRepr

UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class ScenarioError(ValueError):
    """An invalid scenario; the message names the place and what is allowed there."""


class Absent:
    """The code of a stage in which status answers leave the product out."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Stage(NamedTuple):
    """A status that a product keeps for some time.

    Attributes
    ----------
    seconds : float
        Service seconds; ignored for the last stage, which lasts for ever.
    code : any JSON value, or ABSENT
        `statusCode` as the answer gives it: 3, "3", None, 17, [] ...
    text : str
        `statusText`.
    """

    seconds: float
    code: Any
    text: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Build(ShortRepr):
    """How the build of one product goes; what is None is taken from the more general build, or the default.

    Attributes
    ----------
    requested, queued, running : float
        Service seconds at the codes 1, 2 and 3.
    ends : int
        Last code: 4, -1 (never requested), -2 (never queued), -3 or anything else (after running).
    text : str
        Last text; by default that of the code.
    size : int
        Size of the archive in bytes, in any format; by default whatever the contents take.
    stages : sequence of (seconds, code, text)
        Replaces all of the above but `size`.
    waits : bool
        AstromPos only: waits at code 5 for the standard position, and fails if that fails.
    progress : bool
        False: `GotProgress` is 2 (unavailable) while running.
    cancel : int
        Code that cancelling the product answers instead of 0: 1 to 4 (protocol, section 4).
    awkward : str
        What is missing from the product's results: "no_position", "empty_light_curve", "nofit", "nospec" or
        "no_sources".
    """

    requested: float | None = None
    queued: float | None = None
    running: float | None = None
    ends: int | None = None
    text: str | None = None
    size: int | None = None
    stages: tuple[Stage, ...] | None = None
    waits: bool | None = None
    progress: bool | None = None
    cancel: int | None = None
    awkward: str | None = None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [(name, value) for name, value in vars(self).items() if value is not None]

    def __post_init__(self) -> None:
        for name in ("requested", "queued", "running"):
            _check_seconds(getattr(self, name), name)
        if self.ends is not None and (isinstance(self.ends, bool) or not isinstance(self.ends, int)):
            raise ScenarioError(f"ends is a status code (4, -1, -2, -3 ...), not {self.ends!r}")
        if self.size is not None:
            object.__setattr__(self, "size", _read_size(self.size))
        if self.stages is not None:
            object.__setattr__(self, "stages", _read_stages(self.stages))
        if self.cancel is not None and self.cancel not in range(1, 5):
            raise ScenarioError(f"cancel is 1, 2, 3 or 4 (protocol, section 4), not {self.cancel!r}")
        if self.awkward is not None and self.awkward not in AWKWARD:
            raise ScenarioError(f"awkward is one of {', '.join(AWKWARD)}, not {self.awkward!r}")

    def over(self, general: Build) -> Build:
        """Return this build, completed from a more general one."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(general, **own)


def _check_seconds(value: Any, name: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise ScenarioError(f"{name} is a number of seconds, 0 or more, not {value!r}")


def _read_size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]?i?B)?\s*", value, re.IGNORECASE) if isinstance(value, str) else None
    )
    if match is None:
        raise ScenarioError(f"size is a number of bytes, or a text such as 256 MiB, not {value!r}")
    return round(float(match[1]) * UNITS[(match[2] or "").upper()])


def _read_stages(value: Any) -> tuple[Stage, ...]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
        raise ScenarioError(f"stages is a list of [seconds, code, text], not {value!r}")
    stages = tuple(_read_stage(stage, number) for number, stage in enumerate(value, 1))
    if not stages:
        raise ScenarioError("stages is an empty list; it needs at least one [seconds, code, text]")
    return stages


def _read_stage(value: Any, number: int) -> Stage:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or len(value) not in (2, 3):
        raise ScenarioError(f"stage {number} is [seconds, code, text] (the text may be left out), not {value!r}")
    seconds, code, text = (*value, "") if len(value) == 2 else value  # noqa: PLR2004
    _check_seconds(seconds, f"stage {number}: seconds")
    return Stage(float(seconds), ABSENT if code == "absent" else code, str(text))
