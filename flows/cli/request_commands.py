"""The commands about requests: what one would send, and what an old job was asked for. Without Prefect."""

from __future__ import annotations

import sys
from pathlib import Path

import ukssdc
from ukssdc.errors import InvalidRequest
from ukssdc.job import NOT_PARAMETERS
from ukssdc.names import UNNAMED
from ukssdc.status import Product, select_products
from ukssdc.texts import replace_controls
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.output import show_json

STDIN = Path("/dev/stdin")  # what `-` on the command line stands for


@app.command
def check(file: Path) -> int:
    """Check the request in FILE, and print what would be sent, as JSON; nothing is, and no account is needed.

    Parameters
    ----------
    file
        The request, YAML or JSON; - is stdin.
    """
    request, _ = ukssdc.ProductRequest.read_file(file)
    show_json({name: value for name, value in request.to_wire("").items() if name != "UserID"})
    where = "stdin" if file == STDIN else file
    sys.stderr.write(f"{where} is a valid request: {replace_controls(request.name)}, {', '.join(request.products)}\n")
    return 0


@app.command
def template(*products: str) -> int:
    """Print a request for PRODUCTs as YAML with comments, to begin with: put your target in, and `run` it.

    Parameters
    ----------
    products
        LightCurve, Spectrum, StandardPos, EnhancedPos, AstromPos, Image, SourceDet; none: all of them.
    """
    from ukssdc.request.template import request_template  # noqa: PLC0415 - most commands do without the models

    sys.stdout.write(request_template(select_products(products or "all", tuple(Product))))
    return 0


@app.command
def request(job: int) -> int:
    """Print the request of job number JOB as YAML: `xrt-products run` takes it.

    The exit status is 1 where something of it is missing or could not be read; what, is said on stderr.

    Parameters
    ----------
    job
        The service's number for the job; `xrt-products jobs` lists them.
    """
    with ukssdc.Client.from_environment() as client:
        found = client.attach(job)
    name = {} if found.name == UNNAMED else {"name": found.name}
    parameters = {key: value for key, value in found.parameters.items() if key not in NOT_PARAMETERS}
    read, problems = ukssdc.ProductRequest.read_wire(parameters | name)
    sys.stdout.write(f"# The request of job {found.job_id}\n{read.to_yaml()}")
    for problem in problems:
        sys.stderr.write(f"xrt-products: {replace_controls(problem)}\n")
    try:
        ukssdc.ProductRequest.revalidate(read)
    except InvalidRequest as error:
        sys.stderr.write(f"xrt-products: not complete: {replace_controls(str(error))}\n")
        return 1
    return 1 if problems else 0
