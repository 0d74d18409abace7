"""The command `deployments`: the file from which `prefect deploy` makes the flows' deployments, without a clone."""

from __future__ import annotations

import sys
from pathlib import Path

FILE = Path(__file__).with_name("prefect.yaml")


def deployments() -> int:
    """Print a prefect.yaml with the flows' deployments, for `prefect deploy`; the comments in it say how to go on.

    Its entry points are names of modules, so that it works wherever xrt-products is installed, in any folder.
    """
    sys.stdout.write(FILE.read_text("utf-8"))
    return 0
