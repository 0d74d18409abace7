"""Archives are unpacked where that is asked for, in the flows as on the command line."""

from __future__ import annotations

from typing import Any

from astropy.table import Table
from xrt_support import Serve, request_for

from ukssdc import Product
from ukssdc.outcomes import Downloaded, Failed
from xrt_products import collect_products, request_products


def test_extract_unpacks_each_archive_beside_itself(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    report = request_products(request_for(Product.LightCurve), **options, extract=True)

    outcome = report.outcomes[Product.LightCurve]
    assert isinstance(outcome, Downloaded)
    assert outcome.extracted == report.directory / "lc"
    assert list((report.directory / "lc").rglob("*.qdp")) != []


def test_slices_are_unpacked_and_the_quick_look_makes_use_of_them(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    report = request_products(request_for(Product.Spectrum), **options | {"quicklook": True}, extract=True)

    table = Table.read(report.directory / "spectra.ecsv")
    assert [(report.directory / "spec" / name).is_file() for name in table["File"]] == [True, True]
    assert (table["Rate"] > 0).all()
    assert (report.directory / "spectrum.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_unpacked_unless_asked_for(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    report = request_products(request_for(Product.Image), **options)

    outcome = report.outcomes[Product.Image]
    assert isinstance(outcome, Downloaded)
    assert outcome.extracted is None
    assert not (report.directory / "image").exists()


def test_collecting_again_unpacks_what_is_on_disk_already(serve: Serve, options: dict[str, Any]) -> None:
    serve()
    report = request_products(request_for(Product.Image), **options)

    again = collect_products(report.job.job_id, **options, extract=True)

    outcome = again.outcomes[Product.Image]
    assert isinstance(outcome, Downloaded)
    assert outcome.skipped
    assert outcome.extracted == report.directory / "image"


def test_an_archive_that_is_not_unpacked_is_not_called_missing(serve: Serve, options: dict[str, Any]) -> None:
    serve()
    in_the_way = options["destination"] / "GRB_200416A" / "951" / "lc"
    in_the_way.mkdir(parents=True)

    report = request_products(request_for(Product.LightCurve), **options, extract=True, on_failure="return")

    outcome = report.outcomes[Product.LightCurve]
    assert isinstance(outcome, Failed)
    assert in_the_way.with_name("lc.tar.gz").exists()
    assert outcome.meaning == "complete at the service and on disk, but not unpacked"
    assert "xrt-products collect 951 --extract" in outcome.advice
