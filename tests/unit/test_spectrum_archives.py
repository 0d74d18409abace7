"""Unpacked spectra: what is in each slice's folder, valid by OGIP's rules, and the table with a row per fit.

The rules: OGIP/92-007 for spectra, CAL/GEN/92-002 for responses; the layout: protocol, section 6.
"""

from __future__ import annotations

import io
import tarfile
import warnings
from pathlib import Path

import emulated_results
import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from astropy.table import Table
from emulated_slices import unpack_slices
from looks import fits, full_look, look

from ukssdc.emulator.data.packing import Archive
from ukssdc.emulator.data.slice_archives import slice_archives
from ukssdc.quicklook import write_files
from ukssdc.results import SpectralFits
from ukssdc.results.spectrum_files import net_rate

BAD, INCOMPLETE = 5, 2
SLICES = {"timeslice": "obsid", "specobs": "user", "usespecobs": "00966554000,00966554001"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an unpacked spectrum of one slice."""
    return unpack_slices(tmp_path_factory.mktemp("spec"))


def opened(path: Path) -> astropy_fits.HDUList:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        file = astropy_fits.open(path, memmap=False)
        file.verify("exception")
    return file


@pytest.fixture(params=["wt", "pc"])
def stem(request: pytest.FixtureRequest, folder: Path) -> Path:
    """Return what the names of one mode's files begin with."""
    return folder / "interval0" / f"interval0{request.param}"


def file_of(stem: Path, ending: str) -> astropy_fits.HDUList:
    return opened(stem.with_name(stem.name + ending))


def test_a_slices_folder_holds_what_the_protocol_lists(folder: Path) -> None:
    names = {path.relative_to(folder / "interval0").as_posix() for path in (folder / "interval0").rglob("*.*")}

    assert names == {"interval0.areas"} | {
        name
        for stem in ("interval0wt", "interval0pc")
        for name in (
            *(f"{stem}.pi", f"{stem}source.pi", f"{stem}back.pi", f"{stem}.rmf", f"{stem}.arf"),
            f"models/{stem}.xcm",
        )
    }


def test_a_slice_per_observation_has_its_obsids_name(tmp_path: Path) -> None:
    unpack_slices(tmp_path, **SLICES)

    assert {path.name for path in tmp_path.iterdir()} == {"Obs_00966554000", "Obs_00966554001"}
    assert (tmp_path / "Obs_00966554001" / "Obs_00966554001pc.pi").is_file()


@pytest.mark.parametrize("ending", [".pi", "source.pi", "back.pi"])
def test_a_spectrum_has_ogips_keywords_and_channels(stem: Path, ending: str) -> None:
    table = file_of(stem, ending)["SPECTRUM"]

    header = table.header
    assert (header["HDUCLASS"], header["HDUCLAS1"], header["HDUCLAS3"]) == ("OGIP", "SPECTRUM", "COUNT")
    assert header["HDUCLAS2"] == ("BKG" if ending == "back.pi" else "TOTAL")
    assert (header["TELESCOP"], header["INSTRUME"], header["CHANTYPE"]) == ("SWIFT", "XRT", "PI")
    assert header["EXPOSURE"] > 0
    assert header["BACKSCAL"] > 0
    assert (header["AREASCAL"], header["CORRSCAL"], header["POISSERR"]) == (1.0, 1.0, True)
    assert set(header) >= {"FILTER", "BACKFILE", "CORRFILE", "RESPFILE", "ANCRFILE", "HDUVERS"}
    assert table.data["CHANNEL"].tolist() == list(range(header["TLMIN1"], header["TLMAX1"] + 1))
    assert len(table.data) == header["DETCHANS"] == 1024
    assert table.data["COUNTS"].min() >= 0


def test_the_grouped_spectrum_has_a_count_in_each_bin_and_marks_what_is_below_300_ev(stem: Path) -> None:
    data = file_of(stem, ".pi")["SPECTRUM"].data

    assert set(data["QUALITY"][:30]) == {BAD}
    assert not (data["QUALITY"][30:] == BAD).any()
    starts = np.flatnonzero(data["GROUPING"] == 1)
    assert set(data["GROUPING"]) <= {1, -1}
    sums = np.add.reduceat(data["COUNTS"], starts)
    assert sums[(starts >= 30) & (data["QUALITY"][starts] == 0)].min() >= 1
    assert data["COUNTS"][data["QUALITY"] == INCOMPLETE].sum() == 0


def test_grouped_and_unbinned_counts_are_the_same(stem: Path) -> None:
    grouped, unbinned = (file_of(stem, ending)["SPECTRUM"].data["COUNTS"] for ending in (".pi", "source.pi"))

    assert grouped.tolist() == unbinned.tolist()


def test_the_files_that_a_spectrum_names_are_beside_it(stem: Path) -> None:
    header = file_of(stem, ".pi")["SPECTRUM"].header

    for key in ("BACKFILE", "RESPFILE", "ANCRFILE"):
        assert Path(header[key]).name == header[key]
        assert (stem.parent / header[key]).is_file()


def test_the_responses_fit_together_and_to_the_channels(stem: Path) -> None:
    area, response = file_of(stem, ".arf")["SPECRESP"], file_of(stem, ".rmf")
    matrix, bounds = response["MATRIX"], response["EBOUNDS"]

    assert (area.header["HDUCLAS1"], area.header["HDUCLAS2"]) == ("RESPONSE", "SPECRESP")
    assert (matrix.header["HDUCLAS2"], matrix.header["HDUCLAS3"]) == ("RSP_MATRIX", "REDIST")
    for column in ("ENERG_LO", "ENERG_HI"):
        assert area.data[column].tolist() == matrix.data[column].tolist()
    assert matrix.data["ENERG_LO"][1:].tolist() == matrix.data["ENERG_HI"][:-1].tolist()
    assert bounds.data["CHANNEL"].tolist() == list(range(1024))
    assert matrix.header["DETCHANS"] == bounds.header["DETCHANS"] == 1024
    assert bounds.data["E_MIN"][30] == pytest.approx(0.3)
    assert matrix.header[f"TLMIN{matrix.columns.names.index('F_CHAN') + 1}"] == 0
    for row in matrix.data:
        assert len(row["MATRIX"]) == row["N_CHAN"]
        assert row["F_CHAN"] + row["N_CHAN"] <= 1024
        assert 0.3 < sum(row["MATRIX"]) <= 1.00001
    assert matrix.header["NUMELT"] == matrix.data["N_CHAN"].sum()


def test_a_fit_through_the_responses_recovers_the_photon_index(stem: Path) -> None:
    """A Poisson likelihood over photon indices, above 2 keV, where the absorption hardly matters."""
    expected = emulated_results.fits()["interval0"].modes[stem.name[-2:].upper()].models["PowerLaw"].gamma
    assert expected is not None
    area, response = file_of(stem, ".arf")["SPECRESP"].data, file_of(stem, ".rmf")
    matrix = np.zeros((len(area), 1024))
    for line, row in zip(matrix, response["MATRIX"].data, strict=True):
        line[row["F_CHAN"] : row["F_CHAN"] + row["N_CHAN"]] = row["MATRIX"]
    energy = (area["ENERG_LO"] + area["ENERG_HI"]) / 2
    counts = file_of(stem, "source.pi")["SPECTRUM"].data["COUNTS"][200:800]
    indices = np.arange(0.5, 3.5, 0.01)

    shapes = [(energy**-index * area["SPECRESP"]) @ matrix[:, 200:800] for index in indices]
    likelihood = [(counts * np.log(shape / shape.sum())).sum() for shape in shapes]

    found = indices[int(np.argmax(likelihood))]
    inside = indices[np.array(likelihood) > max(likelihood) - 4.5]  # 3 sigma
    assert inside.min() - 0.1 <= expected.value <= inside.max() + 0.1
    assert found == pytest.approx(expected.value, abs=0.5)


def test_the_table_has_a_row_for_each_slice_mode_and_model(tmp_path: Path) -> None:
    spectra = emulated_results.fits(**SLICES, models="powerlaw,apec").with_files(
        unpack_slices(tmp_path / "spec", **SLICES)
    )

    table = Table.read(spectra.write(tmp_path / "spectra.ecsv"))

    assert len(table) == len(spectra.fits)
    assert set(table["ObsID"].astype(str)) == {"00966554000", "00966554001"}
    row = dict(zip(table.colnames, table[0], strict=True))
    first = spectra.fits[0]
    assert (row["Slice"], row["Mode"], row["Model"]) == ("Obs_00966554000", "WT", "PowerLaw")
    assert first[2].gamma is not None
    assert (row["Exposure"], row["Gamma"]) == (first[1].exposure, first[2].gamma.value)
    assert row["File"] == "Obs_00966554000/Obs_00966554000wt.pi"
    assert row["Rate"] == pytest.approx(first[1].rate)
    assert str(table["MeanMJD"].unit) == "d"
    assert row["MeanMJD"] == pytest.approx(58955.2976, abs=0.002)


def test_the_rate_is_that_of_the_good_channels_without_the_background(stem: Path) -> None:
    source, behind = (file_of(stem, ending)["SPECTRUM"] for ending in (".pi", "back.pi"))
    found = net_rate(stem.with_name(stem.name + ".pi"))

    good = source.data["QUALITY"] == 0
    factor = source.header["BACKSCAL"] / behind.header["BACKSCAL"]
    net = source.data["COUNTS"][good].sum() - factor * behind.data["COUNTS"][good].sum()
    assert found is not None
    assert found.rate == pytest.approx(net / source.header["EXPOSURE"])
    assert 0 < found.error < found.rate


@pytest.mark.parametrize(
    "content", [b"", b"no FITS", b"SIMPLE  =                    T".ljust(2880)], ids=["empty", "text", "no table"]
)
def test_a_file_that_is_no_spectrum_has_no_rate(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "interval0").mkdir()
    (tmp_path / "interval0" / "interval0pc.pi").write_bytes(content)

    spectrum = fits().with_files(tmp_path)["interval0"].modes["PC"]

    assert (spectrum.file, spectrum.rate) == ("interval0/interval0pc.pi", None)


def test_without_the_unpacked_archive_the_table_has_no_rates_and_no_files(tmp_path: Path) -> None:
    write_files(full_look(), tmp_path)

    table = Table.read(tmp_path / "spectra.ecsv")
    assert np.ma.getmaskarray(table["File"]).tolist() == [True]
    assert np.isnan(np.ma.filled(table["Rate"], np.nan)).tolist() == [True]
    assert table.meta["DeltaFitStat"] == 2.706


def test_slice_names_that_lead_elsewhere_find_nothing(tmp_path: Path) -> None:
    (tmp_path / "xpc.pi").write_text("")
    (tmp_path / "spec").mkdir()
    hostile = SpectralFits.from_wire({"rnames": ["../x"], "../x": {"Modes": ["PC"], "PC": {"NOFIT": 1}}})

    assert hostile.with_files(tmp_path / "spec")["../x"].modes["PC"].file is None


def test_no_fit_no_table(tmp_path: Path) -> None:
    write_files(look(spectral_fits=SpectralFits(slices={})), tmp_path)

    assert not (tmp_path / "spectra.ecsv").exists()


@pytest.mark.parametrize("archive_format", ["tar.gz", "tar"])
def test_a_size_is_spread_over_the_slices(archive_format: str) -> None:
    files = slice_archives(emulated_results.job(timeslice="obsid", specobs="all", targ="00032503"))

    archive = Archive(files, archive_format, size=6_000_001, seed="seed")
    content = b"".join(archive.blocks())

    assert len(content) == archive.size == 6_000_001
    assert b"".join(archive.blocks(1000, 5_000_000)) == content[1000:5_000_000]
    with tarfile.open(fileobj=io.BytesIO(content)) as whole:
        assert [name for name in whole.getnames() if name != "events.evt"] == list(files)
        for name in files:
            packed = whole.extractfile(name)
            assert packed is not None
            with tarfile.open(fileobj=packed) as one, tarfile.open(fileobj=io.BytesIO(files[name])) as before:
                assert one.getnames() == [*before.getnames(), "events.evt"]
                assert one.getmember("events.evt").size > 1_500_000
