"""Which interface of the service this package speaks: every body says so (protocol, section 1)."""

API = {"api_name": "xrt_prods", "api_version": "1.12"}
