"""`python -m xrt_products.flows.cli` is the command `xrt-products`."""

from xrt_products.flows.cli.commands import main

main()
