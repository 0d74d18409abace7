"""What all results of a job have in common: how they are read from the service's answer, and made into tables."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from ukssdc.notebook import ShortRepr
from ukssdc.results.json_object import JsonObject
from ukssdc.results.table_export import Columns, make_pandas, make_table, table_bytes, write_table_file


class Result(ShortRepr, BaseModel):
    """A result, or a part of one: immutable; infinities and NaN survive the way through JSON."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


class JobResult(Result, ABC):
    """What the service answers to one call for results; `NAME` is what error messages call it."""

    NAME: ClassVar[str]

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], *, at: str = "") -> Self:
        """Read the service's answer (protocol, sections 2 and 6).

        Parameters
        ----------
        answer : mapping
            The answer, with or without `OK` and `APIVersion`.
        at : str, optional
            The address that answered, for the error.

        Raises
        ------
        ProtocolError
            Where it cannot be read.
        """
        return cls._read(JsonObject.of(answer, cls.NAME, at))

    @classmethod
    @abstractmethod
    def _read(cls, answer: JsonObject) -> Self:
        """Read the whole answer."""


class TableResult(Result, ABC):
    """A result that can be made into one table; its class says what a row is."""

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`."""
        return make_pandas(self._columns())

    def to_table(self) -> Any:
        """Return an `astropy.table.Table` with units; rows as in `to_pandas`, facts about all of them as metadata.

        `astropy.table.QTable(...)` of it has quantities as columns.
        """
        return make_table(self._columns(), self._units(), self._metadata())

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the table to a file whose name says how: `.ecsv`, `.fits`; light curves as `.qdp` as well.

        Parameters
        ----------
        path : path
        overwrite : bool, optional
            Whether a file that is there already is replaced.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            For any other name.
        FileExistsError
            Where the file is there already, unless `overwrite`.
        ImportError
            Where astropy is missing; QDP does without.
        """
        return write_table_file(Path(path), self._writers(), overwrite=overwrite)

    @abstractmethod
    def _columns(self) -> Columns:
        """Return the columns, by name."""

    @abstractmethod
    def _units(self) -> Mapping[str, str]:
        """Return the units of the columns that have one, in astropy's notation."""

    def _metadata(self) -> Mapping[str, Any]:
        """Return facts about the whole table; those that are None are left out."""
        return {}

    def _header(self) -> Mapping[str, Any]:
        """Return the header of the table in a FITS file, beyond the columns."""
        return {}

    def _writers(self) -> dict[str, Callable[[], bytes]]:
        """Return how a file is made, by the end of its name."""
        return {
            ".ecsv": lambda: table_bytes(self.to_table(), "ascii.ecsv"),
            ".fits": lambda: table_bytes(make_table(self._columns(), self._units(), self._header()), "fits"),
        }
