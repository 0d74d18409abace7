"""All archives that are complete, in one call: what is left out, what is refused, and what a failure costs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from xrt_support import USER, request_for

from ukssdc import Client, DownloadError, Job, Product, UKSSDCError
from ukssdc.download.bars import DownloadBars
from ukssdc.emulator import Build, Emulator, Fault, Scenario

LC, IMAGE, PSF = Product.LightCurve, Product.Image, Product.StandardPos
DONE, ENDLESS = Build(requested=0, queued=0, running=0), Build(requested=0, queued=0, running=1e6)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario({LC: DONE, PSF: DONE, IMAGE: ENDLESS})) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    with Client(USER, emulator.url) as made:
        yield made


@pytest.fixture
def job(client: Client, emulator: Emulator) -> Job:
    made = client.submit(request_for(LC, PSF, IMAGE))
    emulator.advance(60)
    return made


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {"job.json"}


def test_what_is_complete_comes_and_what_is_not_is_left_out(client: Client, job: Job, tmp_path: Path) -> None:
    files = client.download_all(job, tmp_path, bar=False)

    assert {product: file.path.name for product, file in files.items()} == {LC: "lc.tar.gz", PSF: "psf.tar.gz"}
    assert names_in(tmp_path) == {"lc.tar.gz", "psf.tar.gz"}


def test_one_status_call_is_enough(client: Client, job: Job, emulator: Emulator, tmp_path: Path) -> None:
    client.download_all(job, tmp_path, bar=False)

    assert len(emulator.ledger.calls("status")) == 1


def test_a_product_that_is_asked_for_by_name_and_not_complete_is_an_error(
    client: Client, job: Job, tmp_path: Path
) -> None:
    with pytest.raises(UKSSDCError, match=r"not complete: Image \(.*\(3\)\).*Ask again later"):
        client.download_all(job, tmp_path, ["LightCurve", "Image"], bar=False)

    assert names_in(tmp_path) == set()


def test_a_stem_begins_the_names_of_archives_and_folders(client: Client, job: Job, tmp_path: Path) -> None:
    files = client.download_all(job, tmp_path, stem="GRB_200416A_", format="zip", extract=True, bar=False)

    assert files[LC].extracted == tmp_path / "GRB_200416A_lc"
    assert names_in(tmp_path) == {f"GRB_200416A_{name}" for name in ("lc", "lc.zip", "psf", "psf.zip")}
    assert client.download(job, LC, tmp_path, "zip", stem="GRB_200416A_").skipped


@pytest.mark.parametrize("stem", ["../", "a/b", ".hidden", "-rf", "a b", "x" * 101, "a\n"])
def test_a_stem_that_is_no_beginning_of_a_name_is_refused(client: Client, job: Job, stem: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stem is"):
        client.download_all(job, tmp_path, stem=stem, bar=False)

    assert list(tmp_path.iterdir()) == []


def test_one_archive_that_fails_does_not_cost_the_others(
    client: Client, job: Job, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.faults.append(Fault("archive_404", "download", count=1))

    with pytest.raises(DownloadError):
        client.download_all(job, tmp_path, bar=False)
    assert names_in(tmp_path) == {"psf.tar.gz"}
    again = client.download_all(job, tmp_path, bar=False)
    assert [file.skipped for file in again.values()] == [False, True]


def test_every_error_is_told(client: Client, job: Job, emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.append(Fault("archive_404", "download", count=9))

    with pytest.raises(DownloadError, match=r"lc\.tar\.gz") as raised:
        client.download_all(job, tmp_path, bar=False)

    assert ["psf.tar.gz" in note for note in raised.value.__notes__] == [True]


def test_a_terminal_shows_a_bar_for_each_archive() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)

    with DownloadBars(screen) as bars:
        bars.of(LC)(500, 1000)
        bars.of(PSF)(10, None)

    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "light curve" in shown
    assert "0.5/1.0 kB" in shown
    assert "standard position" in shown


def test_where_nobody_looks_no_bar_is_written(
    client: Client, job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.download_all(job, tmp_path)

    assert capsys.readouterr() == ("", "")
