"""A program: serve request_products as a deployment of the name given, and run what is started."""

from __future__ import annotations

import sys

from prefect.types.entrypoint import EntrypointType

from xrt_products import request_products

if __name__ == "__main__":
    request_products.serve(
        sys.argv[1],
        pause_on_shutdown=False,
        print_starting_message=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
