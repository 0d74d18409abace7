"""A program: serve request_products as a deployment, and run what is started: name, and parameters as JSON."""

from __future__ import annotations

import json
import sys

from prefect.types.entrypoint import EntrypointType

from xrt_products import request_products

if __name__ == "__main__":
    request_products.serve(
        sys.argv[1],
        parameters=json.loads(sys.argv[2]) if len(sys.argv) > 2 else {},
        pause_on_shutdown=False,
        print_starting_message=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
