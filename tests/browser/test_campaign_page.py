"""A campaign's page in Chromium: columns sort, texts are text, links lead somewhere, and nothing is loaded."""

from __future__ import annotations

from pathlib import Path

from emulated_campaign import NAMES, ended, named, observations
from playwright.sync_api import Dialog, Page

from ukssdc.campaign import CampaignResults

SCREENSHOTS = Path(__file__).parents[2] / "test-results"
FLUX = 9  # column
HOSTILE = "<img src=x onerror=alert(1)>"


def shown(page: Page, directory: Path, results: CampaignResults, screenshot: str) -> list[str]:
    """Write the results, open their page, and return what it asked of other places, and what went wrong."""
    trouble: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
    assert results.write(always=True) == ()
    page.goto((directory / "campaign.html").as_uri())
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / screenshot, full_page=True)
    return trouble


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#targets tbody tr td:nth-child({number})").all_inner_texts()


def sort_keys(page: Page, number: int) -> list[str]:
    cells = page.locator(f"#targets tbody tr td:nth-child({number})")
    return [str(key) for key in cells.evaluate_all("cells => cells.map(cell => cell.dataset.sort)")]


def test_ten_targets_are_shown_and_sorted(page: Page, tmp_path: Path) -> None:
    rows = named((*NAMES[:8], HOSTILE, "a target without a job"))
    results = ended(tmp_path, rows[:8], "Ten <b>sources</b>")
    results = CampaignResults(tmp_path, "Ten <b>sources</b>", rows)
    for row in rows[:8]:
        results.note(row, folder=tmp_path / row.folder / str(950 + row.number))
    results.note(rows[8], problem=f"the service refused it: {HOSTILE}")
    results.note(
        rows[3],
        outcomes={"LightCurve": "downloaded", "Spectrum": "timed_out"},
        folder=tmp_path / rows[3].folder / "954",
    )

    trouble = shown(page, tmp_path, results, "campaign-targets.png")

    assert trouble == []
    assert page.locator("b, td img, li img").count() == 0
    assert page.locator("#targets tbody tr").count() == 10
    assert page.locator("#targets svg").count() == 8
    assert page.locator("#failures li").count() == 2
    assert page.locator("img").evaluate("image => image.naturalWidth") > 500

    page.get_by_role("button", name="Target").click()
    assert column(page, 2)[1:] == sorted(column(page, 2)[1:], key=str.lower)  # a sign goes before digits in Chromium
    page.get_by_role("button", name="Flux").click()
    fluxes = [number for number in sort_keys(page, FLUX) if number]
    assert len(fluxes) == 8
    assert sort_keys(page, FLUX) == [*sorted(fluxes, key=float), "", ""]
    page.get_by_role("button", name="Flux").click()
    assert sort_keys(page, FLUX) == [*sorted(fluxes, key=float, reverse=True), "", ""]  # what has none comes last

    page.get_by_label("Filter the targets").fill("grb")
    assert page.locator("#targets tbody tr:visible").count() == 3
    links = page.locator("#targets a").evaluate_all("links => links.map(link => link.href)")
    local = [Path(link.removeprefix("file://")) for link in links if link.startswith("file:")]
    assert len(local) == 24  # of each target with a job: its name and its two links
    assert all(path.exists() for path in local)


def test_columns_without_anything_are_not_shown(page: Page, tmp_path: Path) -> None:
    rows = observations(3)
    results = CampaignResults(tmp_path, "M82", rows)
    results.note(rows[0], problem="no slot")

    trouble = shown(page, tmp_path, results, "campaign-empty.png")

    heads = page.get_by_role("columnheader").all_inner_texts()
    assert trouble == []
    assert "Outcome" in "".join(heads)
    assert not [head for head in heads if "RA, Dec" in head or "Light curve" in head]


def test_one_target_over_many_observations(page: Page, tmp_path: Path) -> None:
    rows = observations(24)

    trouble = shown(page, tmp_path, ended(tmp_path, rows, "M82"), "campaign-observations.png")

    assert trouble == []
    assert page.locator("#targets tbody tr").count() == 24
    assert len(set(column(page, 3))) == 24  # what tells the rows apart is there
    assert page.locator(".wide").evaluate("table => table.scrollWidth <= table.clientWidth")
    (SCREENSHOTS / "campaign-m82.png").write_bytes((tmp_path / "campaign.png").read_bytes())
