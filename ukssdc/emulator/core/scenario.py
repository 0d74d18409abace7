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
    rebin: {running: 20, ends: -3}               # how light curves are binned anew
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from ukssdc.emulator.core.build import Build, ScenarioError
from ukssdc.notebook import ShortRepr
from ukssdc.status import Product

ALL: Final = "all"
# Service seconds at code 3; `data/build_steps.py` divides them among the steps.
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


@dataclass(frozen=True, repr=False)
class Scenario(ShortRepr):
    """What happens to the jobs of an emulator.

    Parameters
    ----------
    products : mapping from product name, or "all", to Build
        For every target.
    targets : mapping from target name to such a mapping
        For these targets, on top of `products`.
    unresolvable : iterable of str
        Target names that the service's name resolver does not find.
    rebin : Build
        How a complete light curve is binned anew.
    """

    products: Mapping[Any, Build] = field(default_factory=dict)
    targets: Mapping[str, Mapping[Any, Build]] = field(default_factory=dict)
    unresolvable: Iterable[str] = ()
    rebin: Build = field(default_factory=Build)

    def __post_init__(self) -> None:
        object.__setattr__(self, "products", _by_product(self.products, "products"))
        object.__setattr__(
            self, "targets", {name: _by_product(b, f"targets: {name}") for name, b in self.targets.items()}
        )
        object.__setattr__(self, "unresolvable", frozenset(self.unresolvable))

    def build(self, product: Product, target: str = "") -> Build:
        """Return how `product` is built for the target of that name, with the defaults filled in."""
        build = Build(
            requested=2.0, queued=QUEUED[product], running=RUNNING[product], ends=4, waits=True, progress=True
        )
        for builds in (self.products, self.targets.get(target, {})):
            for key in (ALL, product):
                build = builds.get(key, Build()).over(build)
        return build

    def rebin_build(self) -> Build:
        """Return how a light curve is binned anew, with the defaults filled in."""
        return self.rebin.over(Build(requested=1.0, queued=5.0, running=20.0, ends=4))

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
        _check_names(content, ("products", "targets", "unresolvable", "rebin"), "a scenario")
        names = content.get("unresolvable") or ()
        if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
            raise ScenarioError("unresolvable is a list of target names")
        targets = _mapping(content.get("targets"), "targets")
        return cls(
            _read_builds(content.get("products"), "products"),
            {str(name): _read_builds(builds, f"targets: {name}") for name, builds in targets.items()},
            names,
            _read_build(content.get("rebin"), "rebin"),
        )


def _read_builds(content: Any, where: str) -> dict[str, Build]:
    builds = {}
    for product, settings in _mapping(content, where).items():
        builds[str(product)] = _read_build(settings, f"{where}: {product}")
    return builds


def _read_build(content: Any, place: str) -> Build:
    values = _mapping(content, place)
    _check_names(values, [f.name for f in fields(Build)], place)
    try:
        return Build(**values)
    except ScenarioError as error:
        raise ScenarioError(f"{place}: {error}") from error


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
