"""A campaign's file: what it leads to, what its mistakes read, and a copy that is the whole campaign."""

from __future__ import annotations

from pathlib import Path

import astropy.units as u
import pytest

from ukssdc import ProductRequest
from ukssdc.campaign import Campaign
from ukssdc.campaign.mistakes import InvalidCampaign

WHOLE = """
name: M82 in pieces
template:
  centroid: false
  getTargs: true
  LightCurve: {binMeth: obsid}
  StandardPos:
targets:
  - {name: M82, RA: 148.97, Dec: 69.68, mag: 8.4}
  - name: NGC 1313 X-1
    RA: "03:18:20"
    Dec: "-66:29:10"
folder: "{name}/{LightCurve.binMeth}"
max_active: 3
destination: results
"""


def written(tmp_path: Path, text: str, name: str = "campaign.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(InvalidCampaign) as error:
        Campaign.load(path)
    assert error.value.source == str(path)
    return [str(mistake) for mistake in error.value.mistakes]


def test_a_file_holds_targets_template_folder_and_options(tmp_path: Path) -> None:
    campaign = Campaign.load(written(tmp_path, WHOLE))

    assert (campaign.name, campaign.options) == ("M82 in pieces", {"max_active": 3, "destination": "results"})
    first, second = campaign.rows()
    assert first.folder == "M82/obsid"
    assert first.request.products == second.request.products == ("LightCurve", "StandardPos")
    assert [second.request.ra, second.request.dec] == pytest.approx([49.583333, -66.486111])


def test_targets_and_template_may_be_files_beside_it(tmp_path: Path) -> None:
    written(tmp_path, "name,RA,Dec\nM82,148.97,69.68\nM81,148.89,69.07\n", "t.csv")
    written(tmp_path, "getTargs: true\ncentroid: false\nImage:\n", "image.yaml")
    path = written(tmp_path, "targets: t.csv\ntemplate: image.yaml\n", "ulx.yaml")
    other = written(tmp_path, "name,RA,Dec\nM33,23.46,30.66\n", "other.csv")

    assert [row.name for row in Campaign.load(path).rows()] == ["M82", "M81"]
    assert [row.name for row in Campaign.load(path, targets=other).rows()] == ["M33"]
    assert Campaign.load(path).name == "ulx"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: [\n", "line 2, is not YAML"),
        ("hello", "holds no campaign"),
        ("name: x", "targets is missing: give a row for each target"),
        ("targets: 3", "targets is 3: give a row for each target"),
        ("targets: no.csv", "no.csv: cannot read it: No such file or directory"),
        ("targets: [M82]", "row 1: targets: it is 'M82': give columns with their values, like `name: M82`"),
        ("targets: []\nfolder: [a]", "folder is ['a']: give a text"),
        ("targets: []\ntemplate: [a]", "template is ['a']: give names with their values"),
        ("targets: []\ntemplate: no.yaml", "template: cannot read"),
    ],
)
def test_a_mistake_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    assert said in problems(written(tmp_path, text))[0]


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    assert len(problems(written(tmp_path, "folder: [a]\nunits: 3\ntemplate: 4\n"))) == 4


def test_a_copy_is_the_whole_campaign(tmp_path: Path) -> None:
    campaign = Campaign.load(written(tmp_path, WHOLE)).model_copy(update={"units": {"mag": "mag"}})
    campaign.write(tmp_path / "kept" / "campaign.json")
    kept = Campaign.load(tmp_path / "kept" / "campaign.json")

    assert kept == campaign
    assert [row.key for row in kept.rows()] == [row.key for row in campaign.rows()]


def test_a_copy_holds_quantities_as_numbers(tmp_path: Path) -> None:
    target = {"name": "M82", "RA": 9.93 * u.hourangle, "Dec": 4181 * u.arcmin, "flux": 3 * u.mJy}
    template = {"getTargs": True, "centroid": False, "Image": {}}
    campaign = Campaign(name="x", targets=[target], template=template)
    campaign.write(tmp_path / "x.json")

    kept = Campaign.load(tmp_path / "x.json")

    assert kept.rows()[0].key == campaign.rows()[0].key
    assert kept.targets[0]["RA"] == pytest.approx(148.95)
    assert kept.targets[0]["flux"] == "3.0 mJy"


def test_requests_are_a_campaign(tmp_path: Path) -> None:
    request = "name: {}\nRA: 1\nDec: 2\ngetTargs: true\ncentroid: false\nSpectrum: {{redshift: 0.5}}\nImage:\n"
    paths = [written(tmp_path, request.format(name), f"{name}.yaml") for name in ("a", "b")]

    rows = Campaign.from_requests(paths).rows()

    assert [row.request for row in rows] == [ProductRequest.from_file(path) for path in paths]


def test_the_problems_of_all_requests_are_told_with_their_files(tmp_path: Path) -> None:
    paths = [written(tmp_path, "name: a\n", "a.yaml"), tmp_path / "no.yaml"]

    with pytest.raises(InvalidCampaign) as error:
        Campaign.from_requests(paths)

    assert {mistake.row for mistake in error.value.mistakes} == {1, 2}
    assert f"{paths[0]}: no product is asked for" in str(error.value)
    assert f"cannot read {paths[1]}" in str(error.value)


def test_the_words_are_a_campaign_s_and_not_a_request_s(tmp_path: Path) -> None:
    table = written(tmp_path, "name,RA,Dec\nM82,1,2\n", "t.csv")

    assert problems(tmp_path / "no.yaml")[0].endswith("Give the name of a YAML or JSON file with the campaign")
    assert problems(table)[0].startswith("it is a table: write a campaign's file with `targets: t.csv`")


def test_mistakes_in_a_table_name_it(tmp_path: Path) -> None:
    written(tmp_path, "name,RA,Dec\nM82,500,2\n", "t.csv")
    campaign = Campaign.load(written(tmp_path, "targets: t.csv\ntemplate: {Image: {}}\n"))

    with pytest.raises(InvalidCampaign, match=r"with the targets in .*t\.csv has "):
        campaign.rows()
