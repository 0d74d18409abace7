"""`campaign.html`: one page that needs no other file, with sortable columns; every text in it is escaped."""

from __future__ import annotations

import base64
import html
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ukssdc.campaign.campaign_plan import format_duration
from ukssdc.campaign.campaign_rows import Row
from ukssdc.campaign.target_result import TargetResult
from ukssdc.campaign.target_science import Measurement, TargetScience
from ukssdc.campaign.target_template import place_of
from ukssdc.campaign.thumbnail import thumbnail
from ukssdc.quicklook import PAGE
from ukssdc.results import FitParameter
from ukssdc.results.formatting import NO_VALUE, format_count, format_fit_parameter
from ukssdc.texts import replace_controls, shorten
from ukssdc.times import utcnow

MAX_INPUTS = 4  # columns of the input that are shown beside the results: the tables have them all
MAX_NUMBER = 1e300
MAX_CELL = 80  # characters of such a column's cell
MAX_FAILURES = 200  # in the list of what failed
MAX_THUMBNAILS = 2000
SPECTRA = "spectra.ecsv"  # in a job's folder
FIRST = ("Row", "Target")
CURVE, PLACE = "Light curve", "RA, Dec (J2000, deg)"
HEAD = ("Outcome", CURVE, PLACE, "Rate (ct/s)", "Photon index", "NH (10²² cm⁻²)",
        "Flux (10⁻¹² erg cm⁻² s⁻¹)", "MJD", "Queue", "Run", "Files")  # fmt: skip
LEGEND = (
    "Rates: mean of the light curve with 1-sigma error, or 3-sigma upper limit. Positions: 90 % circle. "
    "Fits: errors as requested, 90 % by default. Light curves: WT blue, PC red. "
    'Tables: <a href="campaign.csv">campaign.csv</a>, '
    '<a href="campaign.ecsv">campaign.ecsv</a>.'
)
SHOWN_ALREADY = {"name", "ra", "dec"}
UNSORTED = {CURVE, "Files"}
STYLE = """
body{font:13px/1.35 system-ui,sans-serif;margin:1.5rem;color:#222;background:#fff;color-scheme:light}
h1{font-size:1.4rem;margin:0 0 .3rem}h2{font-size:1.1rem}.note{color:#555}img{max-width:100%;height:auto}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{padding:.25rem .5rem;border-bottom:1px solid #ddd;
text-align:left;vertical-align:middle;white-space:nowrap}th,td.wrap{white-space:normal}
td.wrap{min-width:6rem;max-width:16rem;overflow-wrap:anywhere}
.errors{display:inline-flex;flex-direction:column;font-size:.75em;line-height:1.15;vertical-align:middle;margin-left:.2em}
.second{color:#555;font-size:.85em}
td.place,td.number{font-variant-numeric:tabular-nums}
td.number{text-align:right}
thead th{position:sticky;top:0;background:#f4f4f4;z-index:1}th button{font:inherit;font-weight:600;border:0;padding:0;
background:none;cursor:pointer;text-align:left}th button::after{content:" \\2195";color:#999}
th[aria-sort=ascending] button::after{content:" \\2191";color:#222}
th[aria-sort=descending] button::after{content:" \\2193";color:#222}
svg{width:116px;height:32px;display:block;background:#fafafa}path{fill:none}.bar{stroke-width:.8}
.dot{stroke-width:4;stroke-linecap:round}.wt{stroke:#1f5fbf}.pc{stroke:#c62828}.other{stroke:#444}
.limit.wt{fill:#1f5fbf}.limit.pc{fill:#c62828}.limit.other{fill:#444}
.failed,.timed{color:#b71c1c;font-weight:600}.downloaded{color:#1b5e20}.cancelled,.waiting,.active{color:#666}
input{font:inherit;padding:.2rem .4rem;margin:.4rem 0}
"""
SCRIPT = """
const body=document.querySelector('#targets tbody'),heads=[...document.querySelectorAll('#targets th')];
const key=(row,n)=>row.cells[n].dataset.sort??row.cells[n].textContent;
function sort(head,n){const up=head.getAttribute('aria-sort')!=='ascending';
heads.forEach(h=>h.removeAttribute('aria-sort'));head.setAttribute('aria-sort',up?'ascending':'descending');
const rows=[...body.rows].map(r=>[key(r,n),r]);
rows.sort(([a],[b])=>{if(a===''||b==='')return (a==='')-(b==='');const x=Number(a),y=Number(b);
return (up?1:-1)*(Number.isNaN(x)||Number.isNaN(y)?a.localeCompare(b,undefined,{numeric:true}):x-y);});
body.append(...rows.map(([,r])=>r));}
heads.forEach((h,n)=>h.querySelector('button')?.addEventListener('click',()=>sort(h,n)));
document.querySelector('#filter').addEventListener('input',e=>{const t=e.target.value.toLowerCase();
for(const r of body.rows)r.hidden=!r.textContent.toLowerCase().includes(t);});
"""


class CampaignPage:
    """The page of a campaign; a target's row is made once, when it ends.

    Parameters
    ----------
    directory : Path
        Where the page is: links are relative to it.
    name : str
        The campaign's.
    rows : sequence of Row
    units : mapping
        Those of the input's columns.
    """

    def __init__(self, directory: Path, name: str, rows: Sequence[Row], units: Mapping[str, str]) -> None:
        self.directory, self.name, self.units = directory, name, units
        self.inputs = _telling_columns(rows)

    def row(self, result: TargetResult) -> str:
        """Return a target's row of the table."""
        science, fit = result.science, result.science.spectrum
        has_picture = len(science.curve) > 1 and result.row.number <= MAX_THUMBNAILS
        cells = [
            _number(result.row.number, str(result.row.number)),
            self._target(result),
            *(_input(result.row.columns.get(column)) for column in self.inputs),
            f'<td class="{result.outcome.split()[0]}" title="{_escape(result.problem)}">{_escape(result.outcome)}</td>',
            f"<td>{thumbnail(science.curve, in_days=science.curve_in_days) if has_picture else ''}</td>",
            _number(science.ra, _place(science), "place"),
            _measured(science.rate) if science.rate else _limit(science.upper_limit),
            _measured(fit.gamma if fit else None),
            _measured(fit.nh if fit else None, 1e22),
            _measured(fit.flux if fit else None, 1e-12),
            _number(science.mjd, "" if science.mjd is None else f"{science.mjd:.3f}"),
            *(_number(s, "" if s is None else format_duration(s)) for s in (result.queued, result.running)),
            f'<td class="wrap">{self._links(result)}</td>',
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    def html(self, rows: Sequence[str], results: Sequence[TargetResult], picture: bytes | None) -> str:
        """Return the whole page.

        Parameters
        ----------
        rows : sequence of str
            As `row` has made them.
        results : sequence of TargetResult
        picture : bytes, optional
            PNG.
        """
        title = _escape(self.name)
        counts = ", ".join(f"{count} {outcome}" for outcome, count in Counter(r.outcome for r in results).most_common())
        image = (
            f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">' if picture else ""
        )
        inputs = (f"{name} ({unit})" if (unit := self.units.get(name)) else name for name in self.inputs)
        heads = [*FIRST, *inputs, *HEAD]
        cells = (
            f'<th scope="col">{_escape(h)}</th>' if h in UNSORTED else
            f'<th scope="col"><button type="button">{_escape(h)}</button></th>' for h in heads
        )  # fmt: skip
        hidden = "".join(
            f"#targets :is(th,td):nth-child({heads.index(name) + 1}){{display:none}}" for name in _empty(results)
        )
        head = (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}{hidden}</style></head><body>'
        )
        total = format_count(len(results), "target")
        when = f"{utcnow():%Y-%m-%d %H:%M} UTC"
        parts = [
            head,
            f'<h1>{title}</h1><p class="note">{total}: {counts}. {when}. {LEGEND}</p>',
            image,
            _failures([result for result in results if result.failed]),
            '<h2>Targets</h2><input id="filter" type="search" placeholder="Filter" aria-label="Filter the targets">',
            f'<div class="wide"><table id="targets"><thead><tr>{"".join(cells)}</tr></thead><tbody>\n',
            *rows,
            f"</tbody></table></div><script>{SCRIPT}</script></body></html>\n",
        ]
        return "".join(parts)

    def _target(self, result: TargetResult) -> str:
        """Return the target's name, which leads to its quick look."""
        name, page = _escape(result.row.name), self._quick_look(result)
        return f'<td class="wrap">{f"""<a href="{page}">{name}</a>""" if page else name}</td>'

    def _quick_look(self, result: TargetResult) -> str | None:
        has_page = result.folder is not None and (result.folder / PAGE).is_file()
        return f"{self._path(result.folder)}/{PAGE}" if result.folder is not None and has_page else None

    def _path(self, folder: Path) -> str:
        return quote(Path(os.path.relpath(folder, self.directory)).as_posix())

    def _links(self, result: TargetResult) -> str:
        page = self._quick_look(result)
        links = [f'<a href="{page}">quick look</a>'] if page else []
        links += [f'<a href="{self._path(result.folder)}/">folder</a>'] if result.folder is not None else []
        spectra = len(result.science.spectra)  # the row has the one of the longest exposure
        if result.folder is not None and spectra > 1 and (result.folder / SPECTRA).is_file():
            links += [f'<a href="{self._path(result.folder)}/{SPECTRA}">{spectra} spectra</a>']
        if result.job_id is not None:
            job = f"job {result.job_id}"
            links += [f'<a href="{html.escape(result.url)}">{job}</a>' if result.url else job]
        return ", ".join(links)


def _empty(results: Sequence[TargetResult]) -> list[str]:
    """Return the heads of columns in which no row has anything, as nothing of the kind was asked for."""
    filled = {
        CURVE: any(len(result.science.curve) > 1 for result in results),
        PLACE: any(result.science.ra is not None for result in results),
    }
    return [head for head, is_filled in filled.items() if not is_filled]


def _failures(failed: Sequence[TargetResult]) -> str:
    if not failed:
        return ""
    lines = [
        f"<li>Row {result.row.number}, {_escape(result.row.name)}: {_escape(result.problem or result.outcome)}</li>"
        for result in failed[:MAX_FAILURES]
    ]
    more = len(failed) - MAX_FAILURES
    lines += [f"<li>... and {more} more</li>"] if more > 0 else []
    return f'<h2>What failed, and why</h2><ul id="failures">{"".join(lines)}</ul>'


def _escape(text: str) -> str:
    return html.escape(" ".join(replace_controls(text).split()))


def _text(text: str) -> str:
    return f'<td class="wrap">{_escape(text)}</td>'


def _input(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MAX_NUMBER:
        return _number(value, f"{value:.15g}")
    return _text("" if value is None else shorten(str(value), MAX_CELL))


def _number(value: float | None, shown: str, kind: str = "number") -> str:
    return f'<td class="{kind}" data-sort="{"" if value is None else repr(float(value))}">{shown}</td>'


def _measured(found: Measurement | None, scale: float = 1.0) -> str:
    """Return a value with its errors above each other, as they are printed."""
    if found is None:
        return _number(None, NO_VALUE)
    text = format_fit_parameter(FitParameter(value=found.value, pos=found.pos, neg=found.neg), scale)
    value, _, errors = text.removesuffix(")").partition(" (")
    upper, _, lower = errors.partition(", ")
    if upper[1:] == lower[1:]:
        return _number(found.value, f"{value} ± {upper[1:]}")
    return _number(found.value, f'{value}<span class="errors"><span>{upper}</span><span>{lower}</span></span>')


def _limit(limit: float | None) -> str:
    return _number(limit, NO_VALUE if limit is None else f"&lt; {limit:.2g}")


def _place(science: TargetScience) -> str:
    if science.ra is None or science.dec is None:
        return NO_VALUE
    error = "" if science.err90 is None else f' <span class="second">± {science.err90:.1f}″</span>'
    return f"{science.ra:.5f}<br>{science.dec:+.5f}{error}"


def _telling_columns(rows: Sequence[Row]) -> list[str]:
    """Return the columns of the input that tell the rows apart, and are not there in another way."""
    kept: dict[tuple[str, ...], str] = {}
    for column in dict.fromkeys(name for row in rows for name in row.columns):
        place = place_of(column)
        values = tuple(str(row.columns.get(column)) for row in rows)
        if len(set(values)) > 1 and (place is None or place[1] not in SHOWN_ALREADY):
            kept.setdefault(values, column)
    return list(kept.values())[:MAX_INPUTS]
