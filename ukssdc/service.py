"""The service's fixed facts: addresses, the interface that we speak, whom to write to (protocol, section 1)."""

BASE_URL = "https://www.swift.ac.uk/user_objects"
REGISTRATION_URL = f"{BASE_URL}/register.php"
HELP_ADDRESS = "swifthelp@leicester.ac.uk"
API = {"api_name": "xrt_prods", "api_version": "1.12"}  # every body says so
POLL_INTERVAL = 60.0  # s; the service asks not to be polled more often
REBIN_PATH = "/API/main.php"  # at the service's origin: a second interface, which bins light curves anew (section 7)
REBIN_API_VERSION = "1.0.5"
