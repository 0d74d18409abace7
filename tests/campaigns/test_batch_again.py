"""A campaign's flow run that is killed, and set going again by Prefect: the same run goes on with its jobs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from campaign_support import TEMPLATE, targets
from prefect import get_client
from prefect.flow_engine import run_flow
from prefect.states import Scheduled
from prefect_runs import account, group, wait_for
from xrt_support import USER, Serve

from ukssdc import Product
from ukssdc.emulator import Build, Fault
from xrt_products import BatchReport, request_batch

TIMEOUT = 120.0  # s
STALL = 60.0  # s; longer than it takes to kill a process
SCRIPT = """
import json, sys
from prefect import get_client
from prefect.flow_engine import run_flow
from xrt_products import request_batch
run, parameters = json.loads(sys.argv[1])
with get_client(sync_client=True) as client:
    run_flow(request_batch, client.read_flow_run(run), parameters)
"""


def test_a_row_whose_submission_was_on_its_way_is_not_submitted_again(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve(
        {Product.LightCurve: Build(requested=0, queued=0, running=30)},
        faults=[Fault("stall_after", "submit", nth=2, seconds=STALL)],  # it takes effect
    )
    parameters = {"targets": targets(3), "template": TEMPLATE, **options, "destination": str(options["destination"])}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(request_batch, parameters=parameters)
        command = [sys.executable, "-c", SCRIPT, json.dumps([str(run.id), parameters])]
        with group(command, tmp_path / "log", tmp_path, **account(emulator.url, USER)):
            wait_for("the second job", lambda: len(emulator.jobs) == 2, TIMEOUT)
        client.set_flow_run_state(run.id, Scheduled(name="AwaitingRetry"), force=True)

        report = run_flow(request_batch, client.read_flow_run(run.id), parameters)

    assert isinstance(report, BatchReport)
    assert report.ok
    assert [job.name for job in emulator.jobs.values()] == ["GRB 1", "GRB 2", "GRB 3"]
    assert [row.job.job_id for row in report.reports] == [951, 952, 953]
