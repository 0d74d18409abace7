"""Scenarios: how long each product takes at the emulated service, and how it ends.

A scenario comes from Python or from a YAML file::

    products:
      all:         {queued: 10}                  # seconds of service time
      LightCurve:  {requested: 1, running: 120}
      Spectrum:    {ends: -3}
      Image:       {size: 256 MiB}
      EnhancedPos: {awkward: no_position}
      StandardPos:
        stages:                                  # any sequence of codes; the last one lasts for ever
          - [5, 1, Requested]
          - [5, null, Unknown status]
          - [5, absent]
          - [0, 4, Complete]
    targets:
      M82:
        LightCurve: {ends: -2}
    unresolvable: [Planet X]                     # names for which getCoords and getTargs fail
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ukssdc.status import Product

ALL: Final = "all"
AWKWARD: Final = ("no_position", "empty_light_curve", "nofit", "nospec", "no_sources")
"""What can be lacking in the results of a product that is complete."""
UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class ScenarioError(ValueError):
    """A scenario that cannot be played; the message names the place and what would be right."""


class Absent:
    """The code of a stage in which the answer does not mention the product at all."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


class Stage(NamedTuple):
    """A status that a product keeps for some time.

    Attributes
    ----------
    seconds : float
        Service seconds; the last stage lasts for ever whatever stands here.
    code : any JSON value, or ABSENT
        `statusCode` as the answer gives it: 3, "3", None, 17, [] ...
    text : str
        `statusText`.
    """

    seconds: float
    code: Any
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Build:
    """How the build of one product goes; what is None is taken from the more general build, or the default.

    Attributes
    ----------
    requested, queued, running : float
        Service seconds at the codes 1, 2 and 3.
    ends : int
        Last code: 4, -1 (never requested), -2 (never queued), -3 or anything else (after running).
    text : str
        Last text; by default the one that belongs to the code.
    size : int
        Size of the archive in bytes, in any format; by default whatever the contents take.
    stages : sequence of (seconds, code, text)
        In place of all of the above but `size`: this sequence and nothing else.
    waits : bool
        AstromPos alone: waits at code 5 for the standard position's end, and fails with it.
    progress : bool
        False: `GotProgress` is 2 (unavailable) while running.
    cancel : int
        Answer to an attempt to cancel, where another than the usual one is wanted: 1 to 4 (protocol, section 4).
    awkward : str
        What is lacking in the product's results: "no_position", "empty_light_curve", "nofit", "nospec", "no_sources".
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


# Seconds at code 3 where the service has its machines to itself; the shares of the steps stand in steps.py.
RUNNING: Final = {
    Product.LightCurve: 150.0,
    Product.Spectrum: 240.0,
    Product.StandardPos: 12.0,
    Product.EnhancedPos: 40.0,
    Product.AstromPos: 90.0,
    Product.Image: 60.0,
    Product.SourceDet: 300.0,
}
QUEUED: Final = {
    Product.LightCurve: 14.0,
    Product.Spectrum: 20.0,
    Product.StandardPos: 10.0,
    Product.EnhancedPos: 16.0,
    Product.AstromPos: 12.0,
    Product.Image: 18.0,
    Product.SourceDet: 30.0,
}

Builds = Mapping[Product, Build]


@dataclass(frozen=True)
class Scenario:
    """What happens to the jobs of an emulator.

    Parameters
    ----------
    products : mapping from product name, or "all", to Build
        For every target.
    targets : mapping from target name to such a mapping
        For these targets, on top of `products`.
    unresolvable : iterable of str
        Target names that the service's name resolver does not find.
    """

    products: Mapping[Any, Build] = field(default_factory=dict)
    targets: Mapping[str, Mapping[Any, Build]] = field(default_factory=dict)
    unresolvable: Iterable[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "products", _by_product(self.products, "products"))
        object.__setattr__(
            self, "targets", {name: _by_product(b, f"targets: {name}") for name, b in self.targets.items()}
        )
        object.__setattr__(self, "unresolvable", frozenset(self.unresolvable))

    def build(self, product: Product, target: str = "") -> Build:
        """Return how `product` is built for the target of that name, complete in all attributes that need a value."""
        build = Build(
            requested=2.0, queued=QUEUED[product], running=RUNNING[product], ends=4, waits=True, progress=True
        )
        for builds in (self.products, self.targets.get(target, {})):
            for key in (ALL, product):
                build = builds.get(key, Build()).over(build)
        return build

    @classmethod
    def seed_page(cls) -> Scenario:
        """Return the scenario of the job-status page: all products of a job start to run at the same moment.

        At 00:00:08 of the running time, the job of GRB 200416A answers as the page shows it. Its products take 20 s
        from the submission to the start of the builds, and the astrometric position does not wait.
        """
        return cls({ALL: Build(requested=5.0, queued=15.0, waits=False)})

    @classmethod
    def from_yaml(cls, path: str | Path) -> Scenario:
        """Read a scenario file.

        Raises
        ------
        ScenarioError
            For a file that cannot be read, is no YAML, or holds what a scenario doesn't.
        """
        import yaml  # noqa: PLC0415 - only needed where there is a file

        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(f"cannot read the scenario {path}: {error}") from error
        except yaml.YAMLError as error:
            raise ScenarioError(f"the scenario {path} is no YAML: {error}") from error
        try:
            return cls.from_dict({} if content is None else content)
        except ScenarioError as error:
            raise ScenarioError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, content: Any) -> Scenario:
        """Build a scenario from plain dictionaries, as a YAML file holds them."""
        content = _mapping(content, "a scenario")
        _check_names(content, ("products", "targets", "unresolvable"), "a scenario")
        names = content.get("unresolvable") or ()
        if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
            raise ScenarioError("unresolvable is a list of target names")
        targets = _mapping(content.get("targets"), "targets")
        return cls(
            _read_builds(content.get("products"), "products"),
            {str(name): _read_builds(builds, f"targets: {name}") for name, builds in targets.items()},
            names,
        )


def _read_builds(content: Any, where: str) -> dict[str, Build]:
    builds = {}
    for product, settings in _mapping(content, where).items():
        place = f"{where}: {product}"
        values = _mapping(settings, place)
        _check_names(values, [f.name for f in fields(Build)], place)
        try:
            builds[str(product)] = Build(**values)
        except ScenarioError as error:
            raise ScenarioError(f"{place}: {error}") from error
    return builds


def _by_product(builds: Mapping[Any, Build], where: str) -> dict[Product | str, Build]:
    names: dict[str, Product | str] = {name: p for p in Product for name in (p.value, p.wire)} | {ALL: ALL}
    _check_names(builds, [*Product, ALL], where, known=names)
    return {names[str(name)]: build for name, build in builds.items()}


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ScenarioError(f"{where} is a mapping (name: value), not {value!r}")
    return value


def _check_names(given: Iterable[Any], allowed: Iterable[str], where: str, known: Iterable[str] | None = None) -> None:
    choice = [str(name) for name in allowed]
    for name in given:
        if str(name) not in (choice if known is None else known):
            close = difflib.get_close_matches(str(name), choice, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(choice)}"
            raise ScenarioError(f"{where}: unknown name {name!r}; {hint}")


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
