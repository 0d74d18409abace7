"""Every row of docs/from-swifttools.md, in both clients: the same calls, and the same results."""

from __future__ import annotations

import ast
import json
import re
import types
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import pytest
import swifttools.ukssdc.xrt_prods as ux
from compare_clients import plain
from reference_client import lead_to
from swifttools import ukssdc as reference_tools
from swifttools.ukssdc.data import GRB, SXPS
from xrt_support import GLOBALS, USER

from ukssdc import Client, Product, ProductRequest, Rebin
from ukssdc.emulator import Build, Emulator, Scenario

mpl.use("Agg")

GUIDE = Path(__file__).parents[2] / "docs" / "from-swifttools.md"
ROW = re.compile(r"^\| `(?P<there>.+?)` \| (?:`(?P<here>.+?)` )?\| (?P<note>.*?) ?\|$", re.MULTILINE)
NAME = re.compile(r"(?=\b(?:r|r2|ux|XRTProductRequest(?:\(email\))?|GRB|SXPS|ukssdc)\.(\w+))")
FAILS = "fails"  # in a note: the reference client does
READY = Build(requested=0, queued=0, running=0)
PARAMETERS: dict[Product, dict[str, Any]] = {
    Product.LightCurve: {"binMeth": "snapshot"},
    Product.Spectrum: {"hasRedshift": False},
    Product.StandardPos: {},
    Product.EnhancedPos: {},
    Product.AstromPos: {},
    Product.Image: {},
    Product.SourceDet: {"whichData": "all"},
}
MORE: dict[Product, dict[str, Any]] = {
    Product.LightCurve: {"minEnergy": 0.5},
    Product.Spectrum: {"specStem": "grb"},
    Product.StandardPos: {"posRadius": 10.0},
    Product.EnhancedPos: {"posRadius": 10.0},
    Product.AstromPos: {"useAllObs": True},
    Product.Image: {"energies": "0.3-10"},
    Product.SourceDet: {"whichBands": "all"},
}
SHARED = (Product.StandardPos, Product.EnhancedPos)  # all their parameters are the three positions'
SECTIONS = ("Submitting", "Results", "Rebinning", "The rest")
SOURCE = {"IAUName": "LSXPS J222247.6-073104", "RA": "335.6985", "Decl": "-7.5179"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:DEPRECATION WARNING:UserWarning"),
]


class Row(NamedTuple):
    """A row of a table: what is said there, what is said here, and what is to be said about it."""

    there: str
    here: str | None
    note: str


def rows_of(heading: str) -> list[Row]:
    [section] = [s for s in GUIDE.read_text().split("\n## ") if s.startswith(heading)]
    return [Row(*match.groups()) for match in ROW.finditer(section)]


class Two:
    """The two clients, each at an emulator of its own, so that both have the job 951."""

    def __init__(self, emulators: tuple[Emulator, Emulator], monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.emulators = emulators
        for emulator in emulators:
            emulator.freeze()
        lead_to(emulators[0], monkeypatch)
        monkeypatch.setattr(ux.XRTProductRequest, "useDeprecate", False)
        products = {str(product): dict(pars) for product, pars in PARAMETERS.items()}
        self.names: dict[str, Any] = {
            "ux": ux,
            "GRB": GRB,
            "SXPS": SXPS,
            "ukssdc": reference_tools,
            "json": json,
            "source": SOURCE,
            "Client": Client,
            "ProductRequest": ProductRequest,
            "Rebin": Rebin,
            "email": USER,
            "number": 951,
            "w": GLOBALS | {"useSXPS": False} | products,
            "w2": {**GLOBALS, "useSXPS": False, **{str(product): dict(pars) for product, pars in PARAMETERS.items()}},
            "client": Client(USER, emulators[1].url),
        }
        for name, request in (("r", self.names["w"]), ("r2", self.names["w2"])):
            made = self.names[name] = ux.XRTProductRequest(USER)
            made.setGlobalPars(**{key: value for key, value in request.items() if key not in products})
            for product in products:
                made.addProduct(product, **request[product])
        self.names["text"] = self.names["r"].getJSON()
        self.folders = {"there": folder / "there", "here": folder / "here"}
        for path in self.folders.values():
            path.mkdir()

    def submit(self) -> None:
        """Submit both requests, and have the jobs complete."""
        assert self.names["r"].submit()
        self.names["job"] = self.names["client"].submit(self.names["w"])
        for emulator in self.emulators:
            emulator.advance(3600)
        assert self.names["r"].complete

    def run(self, row: Row) -> None:
        """Run a row in both clients; both have to send, and to bring, the same."""
        before = [len(emulator.ledger) for emulator in self.emulators]
        if FAILS in row.note and row.here is None:
            with pytest.raises((RuntimeError, ValueError), match=r"no submitError|no such light curve|is mandatory"):
                self._run(row.there, "there")
            return
        there = self._run(row.there, "there") if "theirs fails (" not in row.note else None
        if row.here is None:
            return
        here = self._run(row.here, "here")
        sent = [
            [self._call(call) for call in list(e.ledger)[n:] if call.call != "status"]
            for e, n in zip(self.emulators, before, strict=True)
        ]
        if sent[0] and "theirs" not in row.note:
            assert [call for call in sent[1] if call not in sent[0]] == []
        if there is not None and here is not None:
            assert self._plain(here) == self._plain(there)

    def assert_same_request(self) -> None:
        """See that the two requests are the same by now."""
        ours = ProductRequest.model_validate(self.names["w"]).to_wire(USER)
        assert ours == self.names["r"].getJSONDict()

    def _run(self, code: str, side: str) -> Any:
        """Run a line, and return the value of an expression, or None."""
        self.names["folder"] = str(self.folders[side])
        try:
            [statement] = ast.parse(code).body
            if isinstance(statement, ast.Expr):
                return eval(code, self.names)  # noqa: S307 - the lines stand in our own document
            exec(code, self.names)  # noqa: S102 - as above
        except Exception as error:
            error.add_note(f"in the row with `{code}`")
            raise
        return None

    def _plain(self, value: Any) -> Any:
        text = repr(plain(value))
        for emulator in self.emulators:
            text = text.replace(f":{emulator.port}", "")
        return text

    @staticmethod
    def _call(call: Any) -> tuple[str, Any]:
        return call.call, plain([call.products, call.body])


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        scenario = Scenario({"all": Build(requested=60)}, rebin=READY)
        served = (stack.enter_context(Emulator(scenario=scenario)), stack.enter_context(Emulator(scenario=scenario)))
        yield Two(served, monkeypatch, tmp_path)


def test_the_request(two: Two) -> None:
    two.names["pars"] = PARAMETERS[Product.Image]
    for row in rows_of("The request"):
        if "LightCurve" not in row.there:
            two.run(row)
            two.assert_same_request()


@pytest.mark.parametrize("product", Product)
def test_the_request_of_each_product(two: Two, product: Product) -> None:
    two.names |= {"pars": PARAMETERS[product], "more": MORE[product], "par": next(iter(MORE[product]))}
    two.names["r2"].setProductPars(product, **MORE[product])
    two.names["w2"][product].update(MORE[product])
    for row in (row for row in rows_of("The request") if "LightCurve" in row.there):
        there, here = (str(code).replace("LightCurve", product) for code in row[:2])
        if product in SHARED and "remove" in there and "Par(" in there:
            with pytest.raises(ValueError, match="not a recognised"):  # as the note says
                two.run(Row(there, here, row.note))
            continue
        two.run(Row(there, here, row.note))
        two.assert_same_request()


def test_submitting_and_waiting(two: Two) -> None:
    for row in rows_of("Submitting"):
        two.run(row)


@pytest.mark.parametrize("section", ["Results", "Rebinning", "The rest"])
def test_a_complete_job(two: Two, section: str) -> None:
    two.submit()
    two.names["r"].retrieveLightCurve()
    two.names["curve"] = two.names["client"].light_curve(two.names["job"])
    for row in rows_of(section):
        two.run(row)


def test_every_public_name_of_the_reference_client_has_a_row() -> None:
    rows = "\n".join(row.there for section in SECTIONS for row in rows_of(section))
    for row in rows_of("The request"):
        rows += "\n".join(["", *(row.there.replace("LightCurve", product) for product in Product)])
    named = set(NAME.findall(rows))

    there = {
        *public(vars(ux)),
        *(name for name in dir(ux.XRTProductRequest) if not name.startswith("_")),
        *(n for module in (GRB, SXPS) for n in public(vars(module)) if "ebin" in n or "ProductRequest" in n),
        *public({name: thing for name, thing in vars(reference_tools).items() if callable(thing)}),
    }
    assert sorted(there - named) == []
    assert sorted(named - there) == []


def public(names: Mapping[str, Any]) -> list[str]:
    return [n for n, thing in names.items() if not n.startswith("_") and not isinstance(thing, types.ModuleType)]
