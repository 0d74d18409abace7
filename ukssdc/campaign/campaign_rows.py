"""The rows of a campaign, checked: a request for each target, and the folder that its files go to."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.target_template import (
    WHOLE,
    Place,
    TargetTemplate,
    flatten_target,
    is_misspelt,
    parameter_of,
    place_of,
)
from ukssdc.campaign.target_values import Convert, converter, is_quantity, plain_value
from ukssdc.errors import InvalidOptions, InvalidRequest
from ukssdc.notebook import ShortRepr
from ukssdc.record.target_folder import expand_folder, folder_fields
from ukssdc.request.product_request import ProductRequest
from ukssdc.request.redact import USER_ID, USER_PROBLEM
from ukssdc.request.request_sections import FIELDS, MODELS
from ukssdc.request.value_texts import format_name

HINTS = {"dec": "de"}  # catalogues have DEJ2000, DE_ICRS
NAME = re.compile(r"(?:\w+\.)?\w+")  # of a parameter, with which a request's problem begins


@dataclass(frozen=True, repr=False)
class Row(ShortRepr):
    """A target of a campaign.

    Attributes
    ----------
    number : int
        The row in the table, from 1.
    name : str
        The target's name.
    request : ProductRequest
    folder : str
        Where its files go, below the destination; in it, each job has a folder of its own.
    columns : dict
        What the table holds of it, by column.
    key : str
        What the row is known by when the campaign is run again: a hash of what is sent, without the account, and of the
        folder.
    """

    number: int
    name: str
    request: ProductRequest
    folder: str
    columns: dict[str, Any] = field(hash=False)
    key: str

    @property
    def body(self) -> dict[str, Any]:
        """What is sent, without the account."""
        return self.request.body


@dataclass(frozen=True)
class _Column:
    name: str
    place: Place
    convert: Convert


def row_key(body: Mapping[str, Any], folder: str) -> str:
    """Return what a row is known by; see `Row`."""
    text = json.dumps([body, folder], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plain_target(target: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a target's row without sections, in Python's own types; quantities in the unit of their parameter."""
    return {name: _plain_cell(name, value) for name, value in flatten_target(target).items()}


def _plain_cell(name: str, value: Any) -> Any:
    plain = plain_value(value)
    if not is_quantity(plain):
        return plain
    parameter = parameter_of(place_of(name))
    try:
        return converter(parameter, "")(plain) if parameter else str(plain)
    except ValueError:
        return plain  # the check says what is wrong


def check_rows(
    targets: Sequence[Mapping[Any, Any]],
    template: Mapping[Any, Any] | ProductRequest | None = None,
    folder: str = "{name}",
    units: Mapping[str, str] | None = None,
) -> list[Row]:
    """Check all targets of a campaign, and make a request of each.

    Parameters
    ----------
    targets : sequence of mapping
        A row each: column -> value; None where there is none. A column named like a parameter (`RA`,
        `LightCurve.binMeth`) sets it, in the place of what the template says; all others are kept. A section as in a
        request may stand for columns.
    template : mapping or ProductRequest, optional
        What all have in common, in any form of a request.
    folder : str, optional
        Pattern of the targets' folders; see `expand_folder`. Its fields are columns and parameters; `useObs` is that of
        the product which has one.
    units : mapping, optional
        Column -> unit; by default those of `targets`, where it was read from a table.

    Returns
    -------
    list of Row

    Raises
    ------
    InvalidCampaign
        With all mistakes of all rows.
    """
    check = _Check(
        [plain_target(target) for target in targets],
        template,
        folder,
        dict(getattr(targets, "units", {}) if units is None else units),
    )
    return check.rows()


class _Check:
    """A check under way: what is known of the columns, and the mistakes so far."""

    def __init__(
        self,
        targets: Sequence[dict[str, Any]],
        template: Mapping[Any, Any] | ProductRequest | None,
        folder: str,
        units: Mapping[str, str],
    ) -> None:
        self.targets = targets
        self.mistakes: list[Mistake] = []
        self.names = list(dict.fromkeys(name for target in targets for name in target))
        self.columns = {name: c for name in self.names if (c := self._column(name, units.get(name, "")))}
        self._require_one_column_each()
        self.template = TargetTemplate(template)
        self.folder, self.fields = folder, self._fields(folder)
        self.common: dict[tuple[str, str], list[int]] = {}  # a problem that no column has, and the rows that have it

    def rows(self) -> list[Row]:
        for problem in self.template.problems:
            self.mistakes.append(Mistake(None, "", f"template: {problem}"))
        if not self.targets:
            self.mistakes.append(Mistake(None, "", "there is no target: give a row for each"))
        rows = [row for number, target in enumerate(self.targets, start=1) if (row := self._row(number, target))]
        self._refuse_equal(rows)
        for (column, problem), numbers in self.common.items():
            self.mistakes.append(self._common_mistake(column, f"{problem}{self._hint(column)}", numbers))
        if self.mistakes:
            raise InvalidCampaign(sorted(self.mistakes, key=lambda mistake: mistake.row or 0))
        return rows

    def _column(self, name: str, unit: str) -> _Column | None:
        place = place_of(name)
        if place is None:
            if name.lower() == USER_ID.lower():  # what is in a column comes out again in the results
                self.mistakes.append(Mistake(None, name, USER_PROBLEM))
            elif is_misspelt(name):
                self.mistakes.append(Mistake(None, name, _misspelt_text(name)))
            return None
        parameter = parameter_of(place)
        if parameter is None:
            return _Column(name, place, lambda value: value)
        try:
            return _Column(name, place, converter(parameter, unit))
        except ValueError as error:
            self.mistakes.append(Mistake(None, name, str(error)))
            return None

    def _require_one_column_each(self) -> None:
        seen: dict[Place, str] = {}
        for name, column in self.columns.items():
            first = seen.setdefault(column.place, name)
            if first != name and any(t.get(name) is not None and t.get(first) is not None for t in self.targets):
                self.mistakes.append(Mistake(None, name, f"it is the same parameter as column {first}: keep one"))

    def _row(self, number: int, target: Mapping[str, Any]) -> Row | None:
        cells: dict[Place, tuple[str, Any]] = {}
        given: dict[str, str] = {}  # the name in a request's problem -> the column
        before = len(self.mistakes)
        for name, value in target.items():
            column = self.columns.get(name)
            if column is None or value is None:
                continue
            product, field_name = column.place
            key = name.partition(".")[2] if product else name
            key = key if key in ProductRequest.FIELD_NAMES or product else field_name  # of `NAME`, the field
            given[f"{product}.{key}" if product else key] = name
            try:
                cells[column.place] = key, column.convert(value)
            except ValueError as error:
                self.mistakes.append(Mistake(number, name, f"{name} {error}", _target_name(target)))
        if len(self.mistakes) > before:
            return None
        try:
            request = ProductRequest.model_validate(self.template.with_row(cells))
        except InvalidRequest as error:
            for problem in error.problems:
                self._add(number, target, given, problem)
            return None
        try:
            folder = expand_folder(self.folder, self._folder_values(request, target)) if self.fields is not None else ""
        except InvalidOptions as error:
            self.common.setdefault(("", str(error)), []).append(number)
            return None
        return Row(number, request.name, request, folder, dict(target), row_key(request.body, folder))

    def _add(self, number: int, target: Mapping[str, Any], given: Mapping[str, str], problem: str) -> None:
        found = NAME.match(problem)
        name = found[0] if found else ""
        column = given.get(name, name if name in self.columns else "")
        if column:
            self.mistakes.append(Mistake(number, column, problem, _target_name(target)))
        else:
            self.common.setdefault((name if place_of(name) else "", problem), []).append(number)

    def _hint(self, parameter: str) -> str:
        """Return which column may have been meant for a parameter that has none."""
        wanted = parameter.lower()
        others = {name.lower().strip("_"): name for name in self.names if place_of(name) is None} if wanted else {}
        beginning = HINTS.get(wanted, wanted)
        near = [other for other in others if other.startswith(beginning)] or difflib.get_close_matches(
            wanted, others, 1
        )
        return f". If it is in column {others[near[0]]}, name that {parameter}" if near else ""

    def _common_mistake(self, column: str, problem: str, numbers: list[int]) -> Mistake:
        """Return one mistake for all the rows that have it."""
        if len(numbers) == 1:
            return Mistake(numbers[0], column, problem, _target_name(self.targets[numbers[0] - 1]))
        shown = ", ".join(map(str, numbers[:10])) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")  # noqa: PLR2004
        which = "all rows" if len(numbers) == len(self.targets) else f"rows {shown}"
        return Mistake(None, column, f"{which}: {problem}")

    def _refuse_equal(self, rows: Sequence[Row]) -> None:
        first: dict[str, Row] = {}
        for row in rows:
            other = first.setdefault(row.key, row)
            if other is not row:
                text = f"it asks for the same as row {other.number} ({other.name}), into the same folder: leave out one"
                self.mistakes.append(Mistake(row.number, "", text, row.name))

    def _fields(self, folder: str) -> tuple[str, ...] | None:
        try:
            return folder_fields(folder)
        except InvalidOptions as error:
            self.mistakes.append(Mistake(None, "", str(error)))
            return None

    def _folder_values(self, request: ProductRequest, target: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values of the fields in the folder's pattern; all that there are, where one is not known."""
        values = {name: _value_of(name, request, target, self.columns) for name in self.fields or ()}
        if all(value is not _UNKNOWN for value in values.values()):
            return values
        return dict.fromkeys([*self.names, *(row.name for row in ProductRequest.ROWS.values())])


_UNKNOWN = object()


def _value_of(name: str, request: ProductRequest, target: Mapping[str, Any], columns: Mapping[str, _Column]) -> Any:
    place = place_of(name)
    if place is None or place[1] == WHOLE:
        if name in target:
            return target[name]
        values = list(_product_values(name, request))
        return (values[0] if values else None) if values or _is_product_parameter(name) else _UNKNOWN
    product, field_name = place
    if product is None and name in target and name not in columns:
        return target[name]
    settings = request if product is None else getattr(request, FIELDS[product])
    return None if settings is None else getattr(settings, field_name)


def _product_values(name: str, request: ProductRequest) -> Iterator[Any]:
    """Yield a parameter's values, of each of the products that have it set."""
    for product in request.products:
        field_name = MODELS[product].FIELD_NAMES.get(name)
        value = None if field_name is None else getattr(getattr(request, FIELDS[product]), field_name)
        if value is not None:
            yield value


def _is_product_parameter(name: str) -> bool:
    return any(name in model.FIELD_NAMES for model in MODELS.values())


def _target_name(target: Mapping[str, Any]) -> str:
    name = next((value for key, value in target.items() if key.lower() == "name"), None)
    return "" if name is None else format_name(str(name))


def _misspelt_text(column: str) -> str:
    """Return a request's own words about a misspelt name."""
    section, _, name = column.partition(".")
    try:
        ProductRequest.model_validate({section: {name: 1}})
    except InvalidRequest as error:
        return next((p for p in error.problems if "is not a parameter" in p), error.problems[0])
    return "it is not a parameter"
