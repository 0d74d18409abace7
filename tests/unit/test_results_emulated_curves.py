"""The emulator's light curves: plausible, of one piece, and binned as the request wants them."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from emulated_results import NAMES, curve, job

from ukssdc.emulator.data import result_answers
from ukssdc.emulator.data.binning import upper_limit
from ukssdc.emulator.data.datasets import light_curve_qdp
from ukssdc.results import Dataset


def test_a_burst_decays_from_wt_into_pc_and_ends_with_an_upper_limit() -> None:
    read = curve()
    wt, pc, limits = read["WT"], read["PC"], read["PCUL"]

    assert wt.value[0] > 10 * wt.value[-1]
    assert wt.time[-1] < pc.time[0] < pc.time[-1] < limits.time[0]
    assert pc.value[0] > 100 * pc.value[-1]
    assert limits.value[-1] < pc.value[-1]


def test_a_persistent_source_is_seen_in_pc_alone_and_does_not_fade() -> None:
    read = curve(name="M82", targ="00091489,00032503", binMeth="obsid")

    assert {dataset.mode for dataset in read.datasets.values()} == {"PC"}
    assert max(read["PC"].value) < 5 * min(read["PC"].value)


@pytest.mark.parametrize("name", NAMES)
def test_rates_follow_from_counts(name: str) -> None:
    for dataset in curve("yes", "yes", name=name).detections:
        columns = dataset.columns
        net = [c - b for c, b in zip(columns["CtsInSrc"], columns["BGInSrc"], strict=True)]
        scale = [f / e for f, e in zip(columns["CorrFact"], columns["Exposure"], strict=True)]
        errors = [
            math.hypot(math.sqrt(c), e * b) * s
            for c, e, b, s in zip(columns["CtsInSrc"], columns["Exposure"], columns["BGerr"], scale, strict=True)
        ]

        assert dataset.value == pytest.approx([n * s for n, s in zip(net, scale, strict=True)])
        assert dataset.value_pos == pytest.approx(errors)
        assert columns["SNR"] == pytest.approx([v / e for v, e in zip(dataset.value, dataset.value_pos, strict=True)])
        assert columns["BGInSrc"] == pytest.approx(
            [b * e for b, e in zip(columns["BGrate"], columns["Exposure"], strict=True)]
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["counts", "snapshot", "obsid"])
def test_bins_follow_each_other(name: str, method: str) -> None:
    for mode in ("WT", "PC"):
        parts = [d for d in curve(incbad="yes", name=name, binMeth=method).datasets.values() if d.mode == mode]
        edges = sorted(edge for d in parts if d.kind in ("rate", "upper limit") for edge in edges_of(d))

        assert all(start < stop for start, stop in edges)
        assert all(stop <= start + 2e-3 for (_, stop), (start, _) in itertools.pairwise(edges))


def edges_of(dataset: Dataset) -> list[tuple[float, float]]:
    """Return start and stop of each bin."""
    return [
        (time + neg, time + pos)
        for time, pos, neg in zip(dataset.time, dataset.time_pos, dataset.time_neg, strict=True)
    ]


def test_full_bins_hold_the_counts_asked_for() -> None:
    read = curve(incbad="yes", dynamic=0, wtcounts=50, pccounts=40)

    assert min(read["WT_incbad"].columns["CtsInSrc"][:-1]) == 50
    assert sorted(read["PC_incbad"].columns["CtsInSrc"])[len(read["PC_incbad"]) // 2] == 40


@pytest.mark.parametrize("fewest", [15, 30])
def test_a_bin_at_the_end_of_a_snapshot_holds_the_fewest_counts_allowed(fewest: int) -> None:
    # Before gaps of days, bins are closed with whatever is in them; there are two of these.
    counts = sorted(curve(incbad="yes", dynamic=0, pccounts=40, mincmin=fewest)["PC_incbad"].columns["CtsInSrc"])

    assert fewest <= counts[2] < counts[-1]


def test_bins_of_time_have_the_length_asked_for() -> None:
    read = curve(incbad="yes", binMeth="time", pcbin=100.0, wtbin=10.0)

    lengths = [stop - start for start, stop in edges_of(read["PC_incbad"])]
    assert max(lengths) == pytest.approx(100.0, abs=2e-3)
    assert sorted(lengths)[len(lengths) // 2] == pytest.approx(100.0, abs=2e-3)


def test_the_hardness_ratio_may_have_bins_of_its_own() -> None:
    read = curve(incbad="yes", binMeth="time", pcbin=100.0, wtbin=10.0, pchrbin=200.0, wthrbin=20.0, hrbin=0)

    assert max(stop - start for start, stop in edges_of(read["PCHR_incbad"])) == pytest.approx(200.0, abs=2e-3)


def test_the_bands_add_up_to_the_rate_and_divide_to_the_hardness() -> None:
    read = curve()
    for mode in ("WT", "PC"):
        rate = dict(zip(read[mode].time, read[mode].value, strict=True))
        hard, soft, ratio = read[f"{mode}Hard"], read[f"{mode}Soft"], read[f"{mode}HR"]

        assert hard.time == soft.time == ratio.time
        assert [h + s for h, s in zip(hard.value, soft.value, strict=True)] == pytest.approx(
            [rate[t] for t in hard.time]
        )
        assert ratio.value == pytest.approx([h / s for h, s in zip(hard.value, soft.value, strict=True)])


@pytest.mark.parametrize(
    ("nosys", "incbad", "suffixes"),
    [
        ("no", "no", {""}),
        ("yes", "no", {"_nosys"}),
        ("no", "yes", {"_incbad"}),
        ("yes", "yes", {"_nosys_incbad"}),
        ("both", "no", {"", "_nosys"}),
        ("both", "both", {"", "_nosys", "_incbad", "_nosys_incbad"}),
    ],
)
def test_suffixes_tell_what_a_dataset_holds(nosys: str, incbad: str, suffixes: set[str]) -> None:
    names = [re.sub("^(WT|PC)(UL|Hard|Soft|HR)?", "", name) for name in curve(nosys, incbad).datasets]

    assert set(names) == suffixes


def test_unreliable_bins_are_only_included_where_asked_for() -> None:
    read = curve(incbad="both")

    assert set(read["PC"].time) < set(read["PC_incbad"].time)


def test_the_systematic_error_widens_wt_alone() -> None:
    read = curve(nosys="both")

    assert all(a > b for a, b in zip(read["WT"].value_pos, read["WT_nosys"].value_pos, strict=True))
    assert read["PC"].value_pos == read["PC_nosys"].value_pos
    assert read["WT"].value == read["WT_nosys"].value


def test_times_in_mjd_are_those_in_seconds() -> None:
    seconds, days = curve(), curve(lctimetype="m")

    assert (seconds.time_format, seconds.t0) == ("MET", 608713541.952)
    assert days.time_format == "MJD"
    assert days["PC"].time == pytest.approx(
        [51910 + (608713541.952 + time) / 86400 for time in seconds["PC"].time], abs=1e-6, rel=0
    )
    assert days["PC"].time_pos == pytest.approx([pos / 86400 for pos in seconds["PC"].time_pos], abs=1e-7, rel=0)
    assert days["PC"].value == seconds["PC"].value


def test_no_upper_limits_where_they_are_not_allowed() -> None:
    assert curve(allowUL="both", binMeth="snapshot").upper_limits
    assert not curve(allowUL="no", binMeth="snapshot").upper_limits


def test_the_upper_limit_of_the_services_own_example() -> None:
    # 3 counts on a background of 1.2247, exposure 9811.0649 s, correction 1.6836: 0.001821 ct/s.
    assert upper_limit(3, 1.2247) * 1.6836 / 9811.0649 == pytest.approx(0.001821, abs=5e-7)


@pytest.mark.parametrize("time_format", ["s", "m"])
def test_the_light_curves_file_holds_what_the_answer_says(time_format: str) -> None:
    answer = result_answers.answer("light_curve", job(lctimetype=time_format), {})

    blocks = light_curve_qdp(job(lctimetype=time_format)).split("NO NO NO NO NO NO\n")

    rows = [[line.split("\t") for line in block.splitlines() if line[0].isdigit()] for block in blocks]
    assert rows == [[row[:6] for row in answer[f"{name}Data"]["data"]] for name in ("WT", "PC", "PCUL")]
