"""A campaign that is cancelled or interrupted: its active jobs with it, or not, and how it goes on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from campaign_support import TEMPLATE, run_batch, targets
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Cancelling
from prefect_runs import Runs, account, group, meanwhile, tagged_runs, wait_for
from terminal import Terminal
from xrt_support import USER, Serve

from ukssdc import Job, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from xrt_products import request_batch
from xrt_products.flows.cancel import cancel_job_with_run
from xrt_products.tasks.flow_run import INTERRUPTED, LABEL, label_run, owned_by_other_run

LC = Product.LightCurve
SHORT = Build(requested=0, queued=0, running=30)
ENDLESS = Build(requested=0, queued=0, running=1e6)
COMMAND = ("--interval", 0.3, "--no-quicklook", "--max-active", 2)


def stored_run(api: str, tag: str) -> FlowRun:
    """Return a run as the hook gets it: what the server stores."""
    (found,) = tagged_runs(api, tag)
    with get_client(sync_client=True) as client:
        return client.read_flow_run(found["id"])


def labelled(api: str, tag: str) -> str:
    found = tagged_runs(api, tag)
    return str(found[0]["labels"].get(LABEL, "")) if found else ""


def cancel_calls(emulator: Emulator) -> list[int]:
    return [call.job_id or 0 for call in emulator.ledger.calls("cancel")]


@pytest.mark.parametrize("over", [7, pytest.param(20, marks=pytest.mark.long)])
def test_a_cancelled_campaign_cancels_its_active_jobs_and_no_others(
    serve: Serve, prefect_api: str, options: dict[str, Any], over: int
) -> None:
    emulator = serve({LC: SHORT}, targets={f"GRB {n}": {LC: ENDLESS} for n in range(over + 1, over + 6)})
    five = [951 + over + n for n in range(5)]
    tag = f"campaign-{uuid4().hex}"

    def cancel() -> None:
        cancel_job_with_run(flow=request_batch, flow_run=stored_run(prefect_api, tag), state=Cancelling())

    active = " ".join(map(str, five))
    with meanwhile(lambda: labelled(prefect_api, tag) == active, cancel), tags(tag):
        report = run_batch(targets(over + 5), options, max_active=5)

    assert [row.outcome for row in report.rows] == ["downloaded"] * over + ["cancelled"] * 5
    assert cancel_calls(emulator) == five
    assert labelled(prefect_api, tag) == ""  # nothing is left that could be cancelled


def test_a_campaign_s_jobs_go_on_where_that_is_wanted(serve: Serve, prefect_api: str, options: dict[str, Any]) -> None:
    emulator = serve({LC: ENDLESS})
    tag = f"campaign-{uuid4().hex}"

    def cancel() -> None:
        cancel_job_with_run(flow=request_batch, flow_run=stored_run(prefect_api, tag), state=Cancelling())

    with meanwhile(lambda: labelled(prefect_api, tag), cancel), tags(tag):
        run_batch(targets(1), options | {"max_wait": 1.5}, cancel_with_run=False)

    assert cancel_calls(emulator) == []


def test_a_job_whose_answer_never_came_is_cancelled_as_well_and_asked_for_anew(
    serve: Serve, prefect_api: str, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve({LC: ENDLESS}, faults=[Fault("stall_after", "submit", nth=2, seconds=60.0)])
    tag = f"campaign-{uuid4().hex}"
    parameters = {"targets": targets(2), "template": TEMPLATE, "destination": str(options["destination"])}
    script = (
        "from prefect import tags\nfrom xrt_products import request_batch\n"
        f"with tags({tag!r}):\n    request_batch(interval=0.2, quicklook=False, **{parameters!r})\n"
    )
    with group([sys.executable, "-c", script], tmp_path / "log", tmp_path, **account(emulator.url, USER)) as running:
        wait_for("the second submission", lambda: len(emulator.jobs) == 2, 180.0)
        running.kill()
    cancelled = stored_run(prefect_api, tag)

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(cancelled.id, Cancelled(), force=True)
    cancel_job_with_run(flow=request_batch, flow_run=cancelled, state=Cancelling())
    report = run_batch(targets(2), options | {"max_wait": 2.0})

    assert cancel_calls(emulator) == [951, 952]
    assert [row.outcome for row in report.rows] == ["timed_out", "timed_out"]
    assert sorted(job.name for job in emulator.jobs.values()) == ["GRB 1", "GRB 1", "GRB 2", "GRB 2"]


SERVE = """
from prefect.types.entrypoint import EntrypointType
from xrt_products import request_batch
request_batch.serve({name!r}, pause_on_shutdown=False, print_starting_message=False,
                    entrypoint_type=EntrypointType.MODULE_PATH)
"""


@pytest.mark.long
@pytest.mark.parametrize("stalled", [False, True], ids=["while it polls", "while it submits"])
def test_a_served_campaign_that_is_cancelled_in_prefect_cancels_its_active_jobs(
    prefect_api: str, tmp_path: Path, stalled: bool
) -> None:
    name = f"campaign-{uuid4().hex}"
    runs = Runs(prefect_api, f"request batch/{name}")
    script = [sys.executable, "-c", SERVE.format(name=name)]
    faults = [Fault("stall_after", "submit", nth=4, seconds=60.0)] if stalled else []
    scenario = Scenario({LC: ENDLESS}, {"GRB 1": {LC: Build(requested=0, queued=0, running=1)}})
    with (
        Emulator(users=(USER,), scenario=scenario, faults=faults) as emulator,
        group(script, tmp_path / "log", tmp_path, PREFECT_RUNNER_POLL_FREQUENCY="1", **account(emulator.url, USER)),
    ):
        wait_for("the deployment", runs.exists, 180.0)
        run = runs.start(
            targets=targets(9), template=TEMPLATE, interval=0.5, quicklook=False, max_active=3, name="bursts"
        )
        wait_for("three active jobs", lambda: len(emulator.jobs) == 4, 180.0)
        if not stalled:
            wait_for("polls of the last", lambda: emulator.ledger.calls("status", job_id=954), 180.0)

        runs.set_state(run, "CANCELLING", "Cancelling")

        wait_for("the cancellation", lambda: [j.code(LC) for j in emulator.jobs.values()] == [4, -4, -4, -4], 180.0)
        assert runs.end_of(run, 180.0)["state_type"] == "CANCELLED"
        # While it submits, the label still has the job whose place the new one takes: complete, it stays so.
        assert set(cancel_calls(emulator)) - ({951} if stalled else set()) == {952, 953, 954}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a campaign of four targets in it."""
    content = {"name": "Four bursts", "template": TEMPLATE, "targets": targets(4)}
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_ctrl_c_leaves_the_jobs_and_says_how_to_go_on_which_the_same_command_does(serve: Serve, folder: Path) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 2": {LC: ENDLESS}, "GRB 3": {LC: ENDLESS}})

    interrupted = Terminal("batch", "campaign.yaml", *COMMAND, directory=folder)
    interrupted.press_ctrl_c(after="1 of 4 done, 2 active, 1 queued")
    assert interrupted.end() == 130
    emulator.advance(1e6)
    again = Terminal("batch", "campaign.yaml", *COMMAND, directory=folder)
    assert again.end() == 0

    assert interrupted.screen()[-3:] == [
        "xrt-products: interrupted; 2 jobs go on at the service (952, 953), 1 of 4 rows not submitted yet.",
        "Done so far: products/campaign.csv. The same campaign again goes on from here;",
        "`xrt-products cancel JOB` cancels what is not wanted any more",
    ]
    assert cancel_calls(emulator) == []
    assert [job.name for job in emulator.jobs.values()] == [f"GRB {n}" for n in range(1, 5)]
    assert len(list((folder / "products").rglob("lc.tar.gz"))) == 4


@pytest.mark.long
def test_ctrl_c_cancels_the_active_jobs_where_that_is_asked_for(serve: Serve, folder: Path) -> None:
    emulator = serve({LC: ENDLESS}, targets={"GRB 1": {LC: SHORT}})

    terminal = Terminal("batch", "campaign.yaml", *COMMAND, "--cancel-on-interrupt", directory=folder)
    terminal.press_ctrl_c(after="1 of 4 done, 2 active")

    assert terminal.end() == 130
    assert cancel_calls(emulator) == [952, 953]
    cancelled = "; ".join(f"job {number}: LightCurve: Job cancelled OK" for number in (952, 953))
    assert terminal.screen()[-1] == f"xrt-products: interrupted; cancelled at the service: {cancelled}"


def test_what_an_earlier_run_has_cancelled_is_asked_for_anew(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 2": {LC: ENDLESS}})
    with meanwhile(lambda: 952 in emulator.jobs, lambda: emulator.cancel(952)):
        first = run_batch(targets(2), options)

    run_batch(targets(2), options | {"max_wait": 1.0})

    assert [row.outcome for row in first.rows] == ["downloaded", "cancelled"]
    assert [job.name for job in emulator.jobs.values()] == ["GRB 1", "GRB 2", "GRB 2"]


@pytest.mark.parametrize(("state", "owned"), [(INTERRUPTED, False), ("Cancelled", True)])
def test_a_job_of_a_run_that_was_interrupted_may_be_taken_over_and_that_of_a_cancelled_one_not(
    prefect_api: str, state: str, owned: bool
) -> None:
    assert prefect_api
    number = uuid4().int % 10**9
    job = Job(job_id=number, url=f"http://127.0.0.1:1/USERPROD_{number}", name="GRB 1", products=(LC,))
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(request_batch, parameters={"targets": []})
        label_run(client, run, [job])
        client.set_flow_run_state(run.id, Cancelled(name=state), force=True)

    assert owned_by_other_run(job, {str(run.id)}) is owned
    assert owned_by_other_run(job, set())
