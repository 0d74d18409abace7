"""The parameter `request` of a flow: a request, the name of a file that holds one, or its text.

Prefect's server stores and shows a flow's parameters and errors: none of them may repeat a file on the worker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import Flow, State
from prefect.client.schemas.objects import FlowRun
from prefect.logging.loggers import flow_run_logger
from pydantic import BeforeValidator

from ukssdc import InvalidRequest, ProductRequest
from ukssdc.request.redact import USER_PROBLEM
from ukssdc.request.request_file import is_request_text
from xrt_products.flows.form import FormOrJson

TEXT = (
    "A request in a YAML or JSON file: the name of the file on the worker (example: grb.yaml), or its text, pasted. "
    "Without UserID: a request is the same whoever sends it."
)
STORED = (
    "the address now stands in this run's parameters, which Prefect's server stores and shows: delete the run "
    "(`prefect flow-run delete RUN-ID`, or in the UI)"
)


def read_request(value: Any) -> ProductRequest:
    """Return the request of a flow's parameter.

    Raises
    ------
    InvalidRequest
        Where it is wrong. What stands in a file is not repeated.
    """
    try:
        if isinstance(value, str) and is_request_text(value):
            return ProductRequest.from_text(value)
        if isinstance(value, (str, Path)):
            return ProductRequest.from_file(value, quote=False)
        return ProductRequest.model_validate(value)
    except InvalidRequest as error:
        problems, source = error.problems, error.source
    if USER_PROBLEM in problems:
        problems = (*problems, STORED)
    raise InvalidRequest(problems, source=source)  # made anew: the other's traceback leads to a file's contents


def log_refused_request(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Say in the log of a run why its request was refused: Prefect checks parameters before there is such a log."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, InvalidRequest):
        flow_run_logger(flow_run, flow).error("Nothing was sent: %s", error)


Request = Annotated[
    ProductRequest, BeforeValidator(read_request), FormOrJson("The request as a JSON object, flat or nested.", TEXT)
]
