"""What a campaign would send: its jobs, how long they may take, and where one job would do in the place of many."""

from __future__ import annotations

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ukssdc.campaign.campaign_rows import Row
from ukssdc.campaign.target_template import place_of
from ukssdc.notebook import ShortRepr
from ukssdc.request.request_sections import MODELS
from ukssdc.results.formatting import format_count
from ukssdc.slots import MAX_ACTIVE
from ukssdc.status import Product
from ukssdc.texts import replace_controls, shorten

JOB_TIMES = (9 * 60.0, 3600.0)  # s from submission to download, as users report it (protocol, section 6)
WIDTH = 80  # characters
MAX_SHOWN = 20  # rows, and groups
# What makes one job for each observation of a product, and one for all of them (protocol, section 5).
PER_OBSERVATION = {Product.LightCurve: "LightCurve.binMeth: obsid", Product.Spectrum: "Spectrum.timeslice: obsid"}
OBSID = re.compile(r"\d{11}")
OBSERVATIONS = tuple(MODELS[product].ROWS["use_obs"].wire_name for product in PER_OBSERVATION)
# In what may differ between jobs of which one would do.
NOT_COMPARED = {
    *("name", "targ", "getTargs"),
    *(MODELS[product].ROWS[field].wire_name for product in PER_OBSERVATION for field in ("use_obs", "which_data")),
}


@dataclass(frozen=True, repr=False)
class OneJob(ShortRepr):
    """Rows for which one job would do: they differ in the observation alone.

    Attributes
    ----------
    rows : tuple of Row
    observations : tuple of str
        ObsIDs.
    products : tuple of Product
    """

    rows: tuple[Row, ...]
    observations: tuple[str, ...]
    products: tuple[Product, ...]

    def __str__(self) -> str:
        settings = " and ".join(f"`{PER_OBSERVATION[product]}`" for product in self.products)
        numbers = [row.number for row in self.rows]
        which = (
            f"{numbers[0]} to {numbers[-1]}" if numbers == list(range(numbers[0], numbers[-1] + 1)) else "not in a row"
        )
        return (
            f"{self.rows[0].name}: {len(self.rows)} rows ({which}) differ in useObs alone. One job with {settings}, "
            f"and all {len(self.observations)} observations in useObs, brings the same, observation by observation."
        )


@dataclass(frozen=True, repr=False)
class CampaignPlan(ShortRepr):
    """What a campaign would send.

    Attributes
    ----------
    rows : tuple of Row
        Those that would be submitted, a job each.
    finished : int
        Rows that are submitted already, and are not again.
    max_active : int
        Jobs that are active at once.
    duration : (float, float)
        Shortest and longest estimate, s.
    one_job : tuple of OneJob
        Where one job would do.
    """

    rows: tuple[Row, ...]
    finished: int
    max_active: int
    duration: tuple[float, float]
    one_job: tuple[OneJob, ...]

    @property
    def jobs(self) -> int:
        """How many jobs would be submitted."""
        return len(self.rows)

    def __str__(self) -> str:
        """Return the plan as a text, 80 characters wide."""
        done = f"; {format_count(self.finished, 'row')} submitted already" if self.finished else ""
        lines = [f"{format_count(self.jobs, 'job')} would be submitted, {self.max_active} active at once{done}."]
        if self.jobs:
            lines += ["", *_listing(self.rows), "", f"What is sent for row {self.rows[0].number}:", ""]
            lines += [shorten(f"  {_plain_line(line)}", WIDTH) for line in self.rows[0].request.to_yaml().splitlines()]
            if unused := _unused_columns(self.rows):
                lines += ["", *textwrap.wrap(f"These columns set nothing, and are in the results: {unused}", WIDTH)]
            shortest, longest = (format_duration(seconds) for seconds in self.duration)
            lines += ["", f"Time: {shortest} to {longest}, if a job takes 9 min to 1 h as users report,"]
            lines += ["most of it in the service's queue, and no other job of this account is active."]
        if self.one_job:
            lines += ["", "One job in the place of many:"]
            for group in self.one_job[:MAX_SHOWN]:
                lines += textwrap.wrap(f"- {_plain(str(group))}", WIDTH, subsequent_indent="  ")
            if more := len(self.one_job) - MAX_SHOWN:
                lines += [f"... and {format_count(more, 'target')} more"] if more > 0 else []
        return "\n".join(lines) + "\n"


def plan(rows: Sequence[Row], *, finished: Collection[str] = (), max_active: int = MAX_ACTIVE) -> CampaignPlan:
    """Tell what a campaign would send.

    Parameters
    ----------
    rows : sequence of Row
        All of them.
    finished : collection of str, optional
        Keys of those that are submitted already, and are not again.
    max_active : int, optional
        Jobs that are active at once.

    Returns
    -------
    CampaignPlan
        Its text, `str(...)`, is 80 characters wide.
    """
    left = tuple(row for row in rows if row.key not in finished)
    rounds = -(-len(left) // max_active)
    shortest, longest = (rounds * seconds for seconds in JOB_TIMES)
    return CampaignPlan(left, len(rows) - len(left), max_active, (shortest, longest), tuple(_one_job(left)))


def format_duration(seconds: float) -> str:
    """Return a time span in two units at most: "45 s", "1 h 10 min", "2 d 3 h"."""
    parts = []
    left = round(seconds / 60) * 60 if seconds >= 60 else round(seconds)  # noqa: PLR2004
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def _unused_columns(rows: Sequence[Row]) -> str:
    """Return the columns that are named like no parameter; of those named like a product's, what would set it."""
    names = dict.fromkeys(name for row in rows for name in row.columns if place_of(name) is None)
    shown = [_plain(name) + _would_set(name) for name in list(names)[:MAX_SHOWN]]
    return ", ".join(shown) + (f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else "")


def _would_set(name: str) -> str:
    products = [
        f"{product}.{known}"
        for product, model in MODELS.items()
        for known in model.FIELD_NAMES
        if known.lower() == name.lower()
    ]
    return f" ({products[0]} would set it)" if products else ""


def _one_job(rows: Iterable[Row]) -> Iterable[OneJob]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if _is_of_one_observation(row):
            common = {name: value for name, value in row.body.items() if name not in NOT_COMPARED}
            place = common if "RA" in common else common | {"name": row.name}  # the service finds it by the name
            groups[json.dumps(place, sort_keys=True, default=str)].append(row)
    for group in groups.values():
        if len(group) > 1:
            observations = dict.fromkeys(_observations(row)[0] for row in group)
            yield OneJob(tuple(group), tuple(observations), group[0].request.products)


def _is_of_one_observation(row: Row) -> bool:
    """Tell whether a row is about one observation, and of products that one job makes for each of many."""
    if not set(row.request.products) <= PER_OBSERVATION.keys():
        return False
    found = _observations(row)
    return len(set(found)) == 1 == len(found) // len(row.request.products) and OBSID.fullmatch(found[0]) is not None


def _observations(row: Row) -> list[str]:
    return [row.body[name] for name in OBSERVATIONS if name in row.body]


def _listing(rows: Sequence[Row]) -> list[str]:
    cells = [
        (str(row.number), _plain(row.name), _plain(row.folder), ", ".join(row.request.products))
        for row in rows[:MAX_SHOWN]
    ]
    head = ("row", "target", "folder", "products")
    widths = [min(most, max(len(line[n]) for line in (head, *cells))) for n, most in enumerate((6, 24, 24, 80))]
    widths[3] = WIDTH - sum(widths[:3]) - 3 * 2
    lines = ["  ".join(shorten(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
             for line in (head, *cells)]  # fmt: skip
    return lines + ([f"... and {len(rows) - MAX_SHOWN} more"] if len(rows) > MAX_SHOWN else [])


def _plain_line(text: str) -> str:
    return replace_controls(text).replace("\t", " ")


def _plain(text: str) -> str:
    return " ".join(replace_controls(text).split())
