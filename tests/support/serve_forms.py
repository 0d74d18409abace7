"""A program: serve request_products and request_batch as deployments, and run what is started: name, and parameters."""

from __future__ import annotations

import json
import sys

from prefect import serve
from prefect.types.entrypoint import EntrypointType

from xrt_products import request_batch, request_products

if __name__ == "__main__":
    serve(
        *(
            flow.to_deployment(
                sys.argv[1], parameters=json.loads(sys.argv[2]), entrypoint_type=EntrypointType.MODULE_PATH
            )
            for flow in (request_products, request_batch)
        ),  # type: ignore[arg-type]  # sync here
        pause_on_shutdown=False,
        print_starting_message=False,
    )
