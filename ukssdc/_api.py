"""Which interface of the service this package speaks: every body says so (protocol, section 1)."""

SUBMIT = "submit the request"  # the call that makes a job, in words: what a refusal of it is known by
API = {"api_name": "xrt_prods", "api_version": "1.12"}
