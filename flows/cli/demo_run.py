"""`xrt-products` as the demonstration runs it: the command ends when the demonstration does, however that ends."""

from xrt_products.flows.cli.commands import main
from xrt_products.flows.cli.server import end_with_parent

end_with_parent()
main()
