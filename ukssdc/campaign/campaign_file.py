"""A campaign: targets, what they have in common, and the flow's options, as a file holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ukssdc.campaign.campaign_rows import Row, check_rows, plain_target
from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.target_table import Targets, read_targets
from ukssdc.campaign.target_template import flatten_request
from ukssdc.errors import InvalidRequest
from ukssdc.notebook import ShortRepr
from ukssdc.record.files import write_error, write_whole
from ukssdc.request.product_request import ProductRequest
from ukssdc.request.request_file import read_request_file
from ukssdc.request.value_texts import format_value

KEYS = ("name", "template", "targets", "folder", "units")
TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".dat", ".ecsv", ".vot", ".xml", ".fits", ".fit", ".gz"}
NEEDED = "a row for each target, or the name of a table beside the campaign's file"


class Campaign(ShortRepr, BaseModel):
    """A campaign, not checked yet: `rows` does that.

    Attributes
    ----------
    name : str
    targets : list of dict
        A row each: column -> value.
    template : dict
        What all targets have in common, in any form of a request.
    folder : str
        Pattern of the targets' folders; see `expand_folder`.
    units : dict
        Column -> unit, where the targets came from a table that has them.
    table : Path or None
        The file that the targets came from, where it is a table.
    options : dict
        All else that the file holds: options of the flow, which checks them.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    targets: list[dict[str, Any]]
    template: dict[str, Any] = Field(default_factory=dict)
    folder: str = "{name}"
    units: dict[str, str] = Field(default_factory=dict)
    table: Path | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("targets", mode="before")
    @classmethod
    def _plain_targets(cls, targets: Any) -> Any:
        """Bring cells to types that a file can hold."""
        is_list = isinstance(targets, (list, tuple))
        return [plain_target(row) if isinstance(row, Mapping) else row for row in targets] if is_list else targets

    @classmethod
    def load(cls, path: str | PathLike[str], targets: str | PathLike[str] | None = None, *, quote: bool = True) -> Self:
        """Read a campaign's file, YAML or JSON.

        Parameters
        ----------
        path : path-like
        targets : path-like, optional
            A table, in the place of the targets that the file names.
        quote : bool, optional
            Whether an error may quote from the file.

        Raises
        ------
        InvalidCampaign
            Where the file, or what it leads to, cannot be read; file and key are named.
        """
        path = Path(path)
        try:
            content = read_request_file(path, quote=quote)
        except InvalidRequest as error:
            problems = [_of_campaign(problem, path) for problem in error.problems]
            raise InvalidCampaign([Mistake(None, "", problem) for problem in problems], source=str(path)) from None
        file = _CampaignFile(path, content, quote=quote)
        found = read_targets(targets) if targets is not None else file.targets()
        template, folder, name = file.template(), file.text("folder", "{name}"), file.text("name", path.stem)
        units = {str(column): str(unit) for column, unit in file.mapping("units").items()}
        if file.mistakes:
            raise InvalidCampaign(file.mistakes, source=str(path))
        options = {str(key): value for key, value in content.items() if key not in KEYS}
        return cls(
            name=name,
            targets=found,
            template=template,
            folder=folder,
            units=units or getattr(found, "units", {}),
            table=Path(targets) if targets is not None else file.table,
            options=options,
        )

    @classmethod
    def from_requests(cls, requests: Iterable[str | PathLike[str] | ProductRequest], name: str = "campaign") -> Self:
        """Make a campaign of requests, or of their files: `run a.yaml b.yaml`.

        Raises
        ------
        InvalidCampaign
            With all problems of all requests; the files are named.
        """
        targets, mistakes = [], []
        for number, request in enumerate(requests, start=1):
            try:
                read = request if isinstance(request, ProductRequest) else ProductRequest.from_file(request)
                targets.append(flatten_request(read))
            except InvalidRequest as error:
                mistakes += [Mistake(number, "", f"{error.source}: {problem}") for problem in error.problems]
        if mistakes:
            raise InvalidCampaign(mistakes, source="the requests")
        return cls(name=name, targets=targets)

    def rows(self) -> list[Row]:
        """Check all targets, and return a row for each; see `check_rows`.

        Raises
        ------
        InvalidCampaign
            With all mistakes.
        """
        try:
            return check_rows(self.targets, self.template, self.folder, self.units)
        except InvalidCampaign as error:
            if self.table is None:
                raise
            raise InvalidCampaign(error.mistakes, source=f"the campaign with the targets in {self.table}") from None

    def write(self, path: Path) -> None:
        """Write the campaign, with its targets, to one JSON file, whole; `load` reads it back.

        Raises
        ------
        UKSSDCError
            Where it cannot be written.
        """
        content = {key: getattr(self, key) for key in KEYS} | self.options
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(content, indent=1, default=str) + "\n")
        except OSError as error:
            raise write_error(path, error) from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("name", self.name), ("targets", len(self.targets)), ("folder", self.folder)]


class _CampaignFile:
    """The content of a campaign's file while it is read."""

    def __init__(self, path: Path, content: Mapping[Any, Any], *, quote: bool) -> None:
        self.path, self.content, self.quote = path, content, quote
        self.mistakes: list[Mistake] = []
        self.table: Path | None = None

    def text(self, key: str, default: str) -> str:
        value = self.content.get(key)
        if value is None:
            return default
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
        self._refuse(key, value, "a text")
        return default

    def mapping(self, key: str) -> Mapping[Any, Any]:
        value = self.content.get(key) or {}
        if isinstance(value, Mapping):
            return value
        self._refuse(key, value, "names with their values")
        return {}

    def template(self) -> dict[str, Any]:
        value = self.content.get("template")
        if not isinstance(value, str):
            return {str(name): item for name, item in self.mapping("template").items()}
        try:
            return dict(read_request_file(self.path.parent / value, quote=self.quote))
        except InvalidRequest as error:
            self.mistakes += [Mistake(None, "", f"template: {problem}") for problem in error.problems]
            return {}

    def targets(self) -> list[dict[str, Any]]:
        value = self.content.get("targets")
        if isinstance(value, str):
            self.table = self.path.parent / value
            try:
                return read_targets(self.table)
            except InvalidCampaign as error:
                self.mistakes += [Mistake(None, "", f"targets: {error.source}: {m.problem}") for m in error.mistakes]
                return Targets()
        if not isinstance(value, list):
            self._refuse("targets", value, NEEDED)
            return Targets()
        for number, row in enumerate(value, start=1):
            if not isinstance(row, Mapping):
                problem = f"it is {self._shown(row)}: give columns with their values, like `name: M82`"
                self.mistakes.append(Mistake(number, "", f"targets: {problem}"))
        return [{str(name): item for name, item in row.items()} for row in value if isinstance(row, Mapping)]

    def _shown(self, value: Any) -> str:
        return format_value(value) if self.quote else "something else"

    def _refuse(self, key: str, value: Any, needed: str) -> None:
        state = "is missing" if value is None else f"is {self._shown(value)}"
        self.mistakes.append(Mistake(None, "", f"{key} {state}: give {needed}"))


def _of_campaign(problem: str, path: Path) -> str:
    """Return what is wrong with a request's file in words for a campaign's."""
    if "holds no request" in problem and path.suffix.lower() in TABLE_SUFFIXES:
        return f"it is a table: write a campaign's file with `targets: {path.name}`, as in the README, and run that"
    return problem.replace("holds no request", "holds no campaign").replace("with the request", "with the campaign")
