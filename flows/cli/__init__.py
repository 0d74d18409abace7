"""The command `xrt-products`: what is typed and shown in a terminal."""
