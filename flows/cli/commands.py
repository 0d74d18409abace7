"""The command `xrt-products`, with all its commands. Prefect is imported by those that need it, when they run."""

from __future__ import annotations

import sys

from ukssdc.errors import UKSSDCError
from ukssdc.texts import replace_controls
from xrt_products.flows.cli import flow_commands, job_commands, local_commands, request_commands
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.request_commands import STDIN
from xrt_products.flows.cli.signals import EXIT_INTERRUPTED, NOTHING_TO_TELL, end_in_order_on_signals
from xrt_products.flows.cli.streams import use_best_effort_streams, use_utf8_file_names

__all__ = [
    "app",
    "flow_commands",
    "job_commands",
    "local_commands",
    "main",
    "request_commands",
]  # importing them adds their commands


def main() -> None:
    """Run the command line; what can be expected to go wrong ends in a message and not in a traceback."""
    use_utf8_file_names()
    use_best_effort_streams()
    end_in_order_on_signals()
    try:
        app([str(STDIN) if word == "-" else word for word in sys.argv[1:]])
    except (UKSSDCError, ValueError, OSError) as error:
        sys.stderr.write(f"xrt-products: {replace_controls(str(error))}\n")
        sys.exit(1)
    except KeyboardInterrupt as interrupt:
        words = str(interrupt) or NOTHING_TO_TELL
        sys.stderr.write(f"xrt-products: interrupted; {replace_controls(words)}\n")
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
