"""What a person asks for in Prefect's own forms arrives at the service, and nothing else; in both of Prefect's UIs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect
from prefect_form import TIMEOUT, Form
from prefect_runs import ENDS, Runs, account, api_session, group, wait_for
from xrt_support import QUICK, USER

from ukssdc import Product, ProductRequest
from ukssdc.campaign import check_rows, read_targets
from ukssdc.emulator import Emulator, Scenario

PROGRAM = Path(__file__).parents[1] / "support" / "serve_forms.py"
NAME = "form"
SECONDS = 90.0
PARAMETERS = '{"interval": 1, "quicklook": false}'
TARGET = """\
name: GRB 200416A
RA: 335.6985
Dec: -7.5179
getTargs: true
centroid: true
posErr: 1
"""
LIGHT_CURVE = TARGET + "LightCurve: {binMeth: snapshot}\n"
POSITION = TARGET + "StandardPos:\n"
EVERYTHING = TARGET + (
    "LightCurve: {binMeth: counts, pcCounts: 20, wtCounts: 30, dynamic: true}\n"
    "Spectrum: {hasRedshift: true, redshift: 0.5, models: [powerlaw, apec]}\n"
    "StandardPos:\nEnhancedPos:\nAstromPos: {useAllObs: true}\nImage: {energies: 0.3-10}\n"
    "SourceDet: {whichData: all, fitStrayLight: false}\n"
)
BOTH = pytest.mark.parametrize("ui", ["V1", "V2"])
BOTH_LONG = pytest.mark.parametrize(
    "ui", [pytest.param("V1", marks=pytest.mark.long), pytest.param("V2", marks=pytest.mark.long)]
)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(users=(USER,), scenario=Scenario({"all": QUICK}), seconds_per_poll=60) as running:
        yield running


@pytest.fixture(scope="module")
def served(prefect_api: str, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Serve the flow, with an interval that suits the emulator, as a deployment."""
    folder = tmp_path_factory.mktemp("form")
    command = [sys.executable, str(PROGRAM), NAME, PARAMETERS]
    environment = {**account(emulator.url, USER), "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    with group(command, folder / "served.log", folder, **environment):
        deployed = Deployed(prefect_api, emulator, "request products", folder)
        wait_for("the deployment", deployed.named.exists, SECONDS, 0.3)
        yield deployed


@pytest.fixture(scope="module")
def campaigns(served: Deployed, prefect_api: str, emulator: Emulator) -> Deployed:
    """Return the deployment of campaigns, which the same process serves."""
    deployed = Deployed(prefect_api, emulator, "request batch", served.folder)
    wait_for("the deployment", deployed.named.exists, SECONDS, 0.3)
    return deployed


class Deployed:
    """The deployment, its runs, and what they sent to the emulator."""

    def __init__(self, api: str, emulator: Emulator, flow: str, folder: Path) -> None:
        self._api = api
        self._emulator = emulator
        self._name = f"{flow}/{NAME}"
        self.folder = folder
        self.named = Runs(api, self._name)
        self.address = api.removesuffix("/api")

    @property
    def identity(self) -> str:
        found = api_session().get(f"{self._api}/deployments/name/{self._name}", timeout=30)
        return str(found.json()["id"])

    def _runs(self) -> list[dict[str, Any]]:
        wanted = {"deployments": {"id": {"any_": [self.identity]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found: list[dict[str, Any]] = requests.post(f"{self._api}/flow_runs/filter", json=wanted, timeout=30).json()
        return found

    def begin(self) -> None:
        """Forget the runs and calls so far."""
        self._seen, self._calls = len(self._runs()), len(self._emulator.ledger)

    def end(self) -> dict[str, Any]:
        """Wait for the end of the one run since then."""

        def ended() -> list[dict[str, Any]]:
            return [run for run in self._runs()[self._seen :] if run["state_type"] in ENDS]

        (run,) = wait_for("the end of the run", ended, SECONDS, 0.3)
        return dict(run)

    def sent(self) -> list[dict[str, Any]]:
        """Return the submissions since then."""
        return [dict(call.body) for call in self._emulator.ledger[self._calls :] if call.call == "submit"]


@pytest.fixture
def form(served: Deployed, page: Page, ui: str) -> Form:
    served.begin()
    return Form(page, served.address, ui, served.identity)


def write_target(form: Form) -> None:
    form.write({"name": "GRB 200416A", "RA": 335.6985, "Dec": -7.5179, "posErr": 1})
    form.choose({"getTargs": "true", "centroid": "true"})


def yaml_body(text: str) -> dict[str, Any]:
    """Return what the same request from a YAML file sends."""
    body = ProductRequest.from_text(text).to_wire(USER)
    del body["UserID"]
    return body


@BOTH
def test_only_a_light_curve_by_snapshot(served: Deployed, form: Form) -> None:
    write_target(form)
    form.choose({"binMeth": "snapshot"}, form.section("LightCurve"))
    form.submit()

    run = served.end()

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert run["name"] == "GRB 200416A"
    assert served.sent() == [yaml_body(LIGHT_CURVE)]


@BOTH
def test_only_a_standard_position_with_the_defaults(served: Deployed, form: Form) -> None:
    write_target(form)
    form.choose_all("products", ["StandardPos"])
    form.submit()

    run = served.end()

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert served.sent() == [yaml_body(POSITION)]


@BOTH_LONG
def test_all_seven_products(served: Deployed, form: Form) -> None:
    write_target(form)
    form.choose_all("products", [str(product) for product in Product])
    curve = form.section("LightCurve")
    form.choose({"binMeth": "counts", "dynamic": "true"}, curve)
    form.write({"pcCounts": 20, "wtCounts": 30}, curve)
    spectrum = form.section("Spectrum")
    form.choose({"hasRedshift": "true"}, spectrum)
    form.write({"redshift": 0.5}, spectrum)
    form.choose_all("models", ["powerlaw", "apec"], spectrum)
    form.choose({"useAllObs": "true"}, form.section("AstromPos"))
    form.write({"energies": "0.3-10"}, form.section("Image"))
    form.choose({"whichData": "all", "fitStrayLight": "false"}, form.section("SourceDet"))
    form.submit()

    run = served.end()

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert served.sent() == [yaml_body(EVERYTHING)]


@BOTH_LONG
def test_a_pasted_text(served: Deployed, form: Form) -> None:
    field = form.field("request")
    form.tab(field, "File or text")
    field.locator("textarea").first.fill(LIGHT_CURVE)
    form.submit()

    run = served.end()

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert run["name"] == "GRB 200416A"
    assert served.sent() == [yaml_body(LIGHT_CURVE)]


@BOTH_LONG
def test_nothing_at_all_is_refused_and_said_what_is_missing(served: Deployed, form: Form, page: Page) -> None:
    form.submit()

    run = served.end()
    wait_for("the log", lambda: "name is missing" in served.named.logs(run["id"]), SECONDS, 0.3)
    form.open_run(run["id"])

    assert run["state_type"] == "FAILED"
    assert served.sent() == []
    for text in ("name is missing: give the target's name", "no product is asked for: give at least one of LightCurve"):
        expect(page.get_by_text(text).first).to_be_visible(timeout=TIMEOUT)


TEMPLATE = "getTargs: true\ncentroid: true\nposErr: 1\nLightCurve: {binMeth: snapshot}\nStandardPos:\n"
TABLE = "name,RA,Dec,class\nGRB 200416A,22:22:47.64,-07:31:04.4,long\nGRB 160203A,10:47:48.4,-24:47:19.8,long\n"


def campaign_bodies(folder: Path) -> list[dict[str, Any]]:
    """Return what the same campaign from Python sends."""
    (folder / "python.csv").write_text(TABLE)
    template = {
        "getTargs": True, "centroid": True, "posErr": 1, "LightCurve": {"binMeth": "snapshot"}, "StandardPos": {}
    }  # fmt: skip
    bodies = [row.request.to_wire(USER) for row in check_rows(read_targets(folder / "python.csv"), template)]
    return [{name: value for name, value in body.items() if name != "UserID"} for body in bodies]


@pytest.mark.parametrize(
    ("ui", "targets"),
    [
        ("V2", "few.csv"),
        pytest.param("V1", "few.csv", marks=pytest.mark.long),
        pytest.param("V1", TABLE, marks=pytest.mark.long),
        pytest.param("V2", TABLE, marks=pytest.mark.long),
    ],
    ids=["V2-file", "V1-file", "V1-text", "V2-text"],
)
def test_a_campaign(campaigns: Deployed, page: Page, ui: str, targets: str) -> None:
    (campaigns.folder / "few.csv").write_text(TABLE)
    campaigns.begin()
    form = Form(page, campaigns.address, ui, campaigns.identity, first="targets")
    name = f"{ui} {'file' if targets == 'few.csv' else 'text'}"
    form.write({"targets": targets, "name": name, "destination": name})
    template = form.field("template")
    form.tab(template, "File or text")
    template.locator("textarea").first.fill(TEMPLATE)
    form.submit()

    run = campaigns.end()

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert run["name"] == name
    sent = [{key: value for key, value in body.items() if key != "UserID"} for body in campaigns.sent()]
    assert sorted(sent, key=str) == sorted(campaign_bodies(campaigns.folder), key=str)
    header, *rows = (campaigns.folder / name / "campaign.csv").read_text().splitlines()
    assert header.startswith("Row,Target,name,RA,Dec,class,Job,Outcome,")
    assert [row.split(",")[1] for row in rows if ",downloaded," in row] == ["GRB 200416A", "GRB 160203A"]
