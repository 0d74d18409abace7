"""The command `rebin`: its options are the parameters of the light curve, with the descriptions that a form has."""

from __future__ import annotations

from dataclasses import asdict, field, make_dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from ukssdc.rebin import read_binning
from ukssdc.request.parameters import LightCurveBinning
from xrt_products.flows.cli.run_flow import finish, flow_parameters, load_flows
from xrt_products.flows.options import WaitOptions

# Texts and switches: what they may be is checked with all the others at once, as for a request.
BinningOptions: Any = make_dataclass(
    "BinningOptions",
    [
        (
            row.alias or row.field,
            Annotated[(bool if row.type is bool else str) | None, Parameter(help=row.description)],
            field(default=None),
        )
        for row in LightCurveBinning.ROWS.values()
    ],
    frozen=True,
    kw_only=True,
    namespace={"__module__": __name__},  # cyclopts takes a class of `types`, which it is otherwise, for a single value
)
DEFAULTS = WaitOptions()


def rebin(
    job: int,
    *,
    binning: Annotated[BinningOptions, Parameter(name="*")] = BinningOptions(),  # noqa: B008 - frozen
    options: Annotated[WaitOptions, Parameter(name="*")] = DEFAULTS,
    fresh: bool = False,
    cancel_on_interrupt: bool = False,
) -> int:
    """Bin the complete light curve of job number JOB anew, without a new job: poll once a minute, and fetch it.

    Parameters
    ----------
    job
        The service's number for the job; `xrt-products jobs` lists them.
    fresh
        Ask for a new rebinning even where an earlier run with the same parameters and destination has left one
        unfinished.
    cancel_on_interrupt
        Whether Ctrl-C cancels the rebinning at the service. By default it goes on there, and the same command takes it
        up.
    """
    given = read_binning({name: value for name, value in asdict(binning).items() if value is not None})
    xrt_products = load_flows(options)
    return finish(
        lambda: xrt_products.rebin_light_curve(job, given, fresh=fresh, **flow_parameters(options)),
        cancels=cancel_on_interrupt,
    )
