"""An example of what can follow a job: a flow that an automation starts with the path of a light curve."""  # noqa: INP001 - a script: deployed by its path

from __future__ import annotations

import tarfile
from pathlib import Path

from prefect import flow, get_run_logger


@flow(name="analyse light curve", flow_run_name="analyse {target}")
def analyse_light_curve(path: Path, target: str = "") -> int:
    """Count the bins of a light curve; put your own analysis in its place.

    Parameters
    ----------
    path : Path
        The archive, `lc.tar.gz`, on a disk that this worker sees.
    target : str, optional
        The target's name.

    Returns
    -------
    int
        How many bins the light curve has.
    """
    with tarfile.open(path) as archive:
        curve = next(member for member in archive if member.name.endswith("curve.qdp"))
        content = archive.extractfile(curve)
        lines = content.read().decode().splitlines() if content is not None else []
    bins = sum(line[:1].isdigit() or line[:1] in {"-", "+", "."} for line in map(str.strip, lines))
    get_run_logger().info("The light curve of %s has %d bins", target or path, bins)
    return bins
