"""rebin_light_curve: the flow, its branches, and what it leaves on disk."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.states import Cancelling
from xrt_support import USER, Rebinnable, Serve, request_for

from ukssdc import Client, InvalidRequest, Product, Rebin, ServiceError
from ukssdc.emulator import Build, Fault
from ukssdc.emulator.core.build import ABSENT, Stage
from ukssdc.record.rebin_folder import RebinFolder, RebinRecord
from ukssdc.results import LightCurveData
from xrt_products import ProductsFailed, RebinReport, rebin_light_curve
from xrt_products.flows.rebin import cancel_rebin_with_run
from xrt_products.tasks.rebin import cancel_rebin
from xrt_products.tasks.results import decode, encode

LC = Product.LightCurve
TIME: Any = {"binMeth": "time", "pcBinTime": 500, "wtBinTime": 20}
SNAPSHOT: Any = {"binMeth": "snapshot"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_rebinned_light_curve_is_on_disk(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    emulator, job = rebinnable()

    report = rebin_light_curve(951, TIME, **options)

    assert isinstance(report, RebinReport)
    assert report.ok
    assert report.rebin.parameters == {"binMeth": "time", "pcBinTime": 500.0, "wtBinTime": 20.0}
    assert report.directory == options["destination"] / "GRB_200416A" / "951" / "rebin-71"
    curve = Client(USER, emulator.url).light_curve(report.rebin)
    assert report.files == {LC: report.directory / "lightcurve.csv"}
    rows = rows_of(report.files[LC])
    assert [float(row["Time"]) for row in rows] == [t for d in curve.datasets.values() for t in d.time]
    assert curve != Client(USER, emulator.url).light_curve(job)
    calls = [call.call for call in emulator.ledger]
    assert calls[2:7] == ["rebin", *["rebin_status"] * 3, "rebinned_light_curve"]


def test_the_polls_are_retries_of_one_task(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    emulator, _ = rebinnable(Build(requested=30, queued=60, running=120))

    assert rebin_light_curve(951, TIME, **options).ok

    assert len(emulator.ledger.calls("rebin_status")) == 5
    assert len(emulator.rebins) == 1


@pytest.mark.parametrize(
    ("build", "outcome", "words"),
    [
        pytest.param(Build(ends=-1), "failed", "could not be requested", marks=pytest.mark.long),
        pytest.param(Build(ends=-2), "failed", "could not be added to the queue", marks=pytest.mark.long),
        (Build(running=60, ends=-3), "failed", "did not produce the product"),
        pytest.param(Build(running=60, ends=-7), "failed", "an undocumented code", marks=pytest.mark.long),
        pytest.param(Build(stages=(Stage(0, None),)), "failed", "no status returned", marks=pytest.mark.long),
        (Build(stages=(Stage(0, ABSENT),)), "failed", "no status returned"),
        (Build(running=60, ends=-4), "cancelled", "Cancelled at your request"),
    ],
    ids=["-1", "-2", "-3", "-7", "null", "no status", "-4"],
)
def test_each_status_has_its_branch(
    rebinnable: Rebinnable, options: dict[str, Any], build: Build, outcome: str, words: str
) -> None:
    rebinnable(build)

    report = rebin_light_curve(951, TIME, **options, on_failure="return")

    assert report.outcomes[LC].outcome == outcome
    assert words in str(report.outcomes[LC])
    assert (report.directory / "failure.md").exists() == (outcome == "failed")
    assert not (report.directory / "lightcurve.csv").exists()


@pytest.mark.parametrize("code", [2, *(pytest.param(code, marks=pytest.mark.long) for code in ("3", 5, 17))], ids=str)
def test_what_is_pending_when_the_wait_is_over_has_timed_out_and_is_taken_up(
    rebinnable: Rebinnable, options: dict[str, Any], code: Any
) -> None:
    emulator, _ = rebinnable(Build(stages=(Stage(100_000, code, "Busy"), Stage(0, 4, "Complete"))))
    with pytest.raises(ProductsFailed, match=r"(?s)rebinning 71 of job 951 .* is taken up") as raised:
        rebin_light_curve(951, TIME, **options | {"max_wait": 1.0})
    emulator.advance(100_000)

    report = rebin_light_curve(951, TIME, **options)

    assert raised.value.report.outcomes[LC].outcome == "timed_out"
    assert report.ok
    assert report.rebin.rebin_id == 71
    assert len(emulator.rebins) == 1


def test_what_a_killed_run_has_left_is_taken_up_and_other_parameters_are_not(
    rebinnable: Rebinnable, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator, job = rebinnable()
    rebin = Client(USER, emulator.url).rebin(job, **TIME)
    left = RebinFolder(options["destination"] / "GRB_200416A" / "951" / "rebin-71", rebin)
    left.note_outcome(None)

    other = rebin_light_curve(951, SNAPSHOT, **options)
    fresh = rebin_light_curve(951, TIME, **options, fresh=True)
    again = rebin_light_curve(951, TIME, **options)

    assert [r.rebin.rebin_id for r in (other, fresh, again)] == [72, 73, 71]
    assert RebinRecord.model_validate_json((left.path / "rebin.json").read_bytes()).outcome == "downloaded"
    assert tmp_path in left.path.parents


def test_what_is_over_is_asked_for_anew(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    emulator, _ = rebinnable()

    numbers = [rebin_light_curve(951, TIME, **options).rebin.rebin_id for _ in range(2)]

    assert numbers == [71, 72]
    assert len(emulator.rebins) == 2


def test_a_job_without_a_light_curve_is_refused_before_anything_is_asked(
    rebinnable: Rebinnable, options: dict[str, Any]
) -> None:
    emulator, _ = rebinnable(None, Product.Image)

    with pytest.raises(InvalidRequest, match=r"job 951 \(GRB 200416A\) has no light curve, but Image"):
        rebin_light_curve(951, TIME, **options)
    assert emulator.ledger.calls("rebin") == []


def test_a_light_curve_that_is_not_complete_is_refused_with_the_services_reason(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: Build(running=1e6)})
    Client(USER, emulator.url).submit(request_for(LC))

    with pytest.raises(ServiceError, match="has not been built, so it cannot be rebinned"):
        rebin_light_curve(951, TIME, **options)
    assert len(emulator.ledger.calls("rebin")) == 3


@pytest.mark.parametrize(
    ("binning", "words"),
    [
        ({}, "binning.binMeth is missing"),
        ({"binMeth": "counts", "pcCounts": 20}, "binning.dynamic is missing"),
        ({"bin_method": "snapshot", "minEnergy": 5, "maxEnergy": 2}, "binning.minEnergy is 5 keV and maxEnergy 2 keV"),
        ({"binMeth": "snapshot", "srcrad": 20}, "binning.srcrad is not a parameter"),
        ({"binMeth": "orbit"}, "give counts, time, snapshot or obsid"),
    ],
    ids=["nothing", "counts", "energies", "srcrad", "method"],
)
def test_a_wrong_binning_is_named_before_anything_is_sent(
    rebinnable: Rebinnable, options: dict[str, Any], binning: Any, words: str
) -> None:
    emulator, _ = rebinnable()
    before = len(emulator.ledger)

    with pytest.raises(InvalidRequest, match=words) as raised:
        rebin_light_curve(951, binning, **options)

    assert str(raised.value).startswith("the rebinning has")
    assert len(emulator.ledger) == before


def test_the_quick_look_shows_the_new_binning(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    rebinnable()

    report = rebin_light_curve(951, TIME | {"minEnergy": 1}, **options | {"quicklook": True})

    assert {"quicklook.md", "lightcurve.png", "lightcurve.csv"} <= {file.name for file in report.directory.iterdir()}


def test_an_empty_light_curve_is_a_table_without_rows(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    rebinnable(Build(running=60, awkward="empty_light_curve"))

    report = rebin_light_curve(951, TIME, **options)

    assert rows_of(report.files[LC]) == []


def test_a_report_and_its_failure_come_back_from_prefects_storage(
    rebinnable: Rebinnable, options: dict[str, Any]
) -> None:
    rebinnable(Build(running=60, ends=-3))
    with pytest.raises(ProductsFailed) as raised:
        rebin_light_curve(951, TIME, **options)

    again = decode(encode(raised.value))

    assert again.report == raised.value.report
    assert isinstance(again.report, RebinReport)


def test_cancelling_the_run_cancels_the_rebinning(rebinnable: Rebinnable, options: dict[str, Any]) -> None:
    emulator, _ = rebinnable(Build(running=1e6))
    with pytest.raises(ProductsFailed):
        rebin_light_curve(951, TIME, **options | {"max_wait": 0.5})
    with get_client(sync_client=True) as client:
        tags = FlowRunFilter(tags=FlowRunFilterTags(all_=["rebin 71"]))
        runs = client.read_flow_runs(flow_run_filter=tags)
    run = max(runs, key=lambda r: r.start_time.timestamp() if r.start_time else 0)

    cancel_rebin_with_run(flow=rebin_light_curve, flow_run=run, state=Cancelling())

    assert emulator.rebins[71].code(LC) == -4


def test_a_cancellation_that_the_service_refuses_for_a_moment_is_tried_again(rebinnable: Rebinnable) -> None:
    emulator, job = rebinnable(Build(running=1e6), faults=[Fault("not_ok", "cancel_rebin", count=2)])
    rebin = Client(USER, emulator.url).rebin(job, "snapshot")

    assert cancel_rebin.with_options(retries=5, retry_delay_seconds=0.1)(rebin) is True
    assert emulator.rebins[71].code(LC) == -4


def test_a_rebinning_that_is_complete_is_not_cancelled(rebinnable: Rebinnable) -> None:
    emulator, job = rebinnable()
    rebin = Client(USER, emulator.url).rebin(job, "snapshot")
    emulator.advance(600)

    assert cancel_rebin(rebin) is False


def test_a_rebinning_is_known_by_its_number_alone(rebinnable: Rebinnable) -> None:
    emulator, job = rebinnable()
    client = Client(USER, emulator.url)
    rebin = client.rebin(job, "snapshot")
    emulator.advance(600)

    found = client.light_curve(Rebin.of_number(rebin.rebin_id, 951))

    assert isinstance(found, LightCurveData)
    assert found == client.light_curve(rebin)
