"""The command line's frame: each module of commands adds its own to it."""

from __future__ import annotations

from importlib.metadata import version

from cyclopts import App

app = App(
    name="xrt-products",
    version=version("xrt-products"),
    help="""Swift-XRT light curves, spectra, positions and images from the UKSSDC, as Prefect flows.

    The account is the e-mail address that is registered with the service, in the environment variable UKSSDC_USER
    (to register: https://www.swift.ac.uk/user_objects/register.php). UKSSDC_URL points elsewhere than to the real
    service: to the emulator, for instance. UKSSDC_TIMEOUT is the longest wait for an answer (60 s),
    UKSSDC_FIRST_BYTE_TIMEOUT that for the first byte of an archive (600 s).

    The exit status is 0 where all went well, 1 where something failed, 2 where the command line is wrong, 3 where
    `status` finds a product pending, 129 after the terminal was closed (SIGHUP), 130 after Ctrl-C, 141 where nobody
    reads the output of `watch` any more, 143 after SIGTERM.""",
    suppress_keyboard_interrupt=False,  # main() has a word to say
)
