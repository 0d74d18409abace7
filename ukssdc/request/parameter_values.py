"""One parameter of the service: its names, and which values are permitted.

Numbers and flags may be strings, as the service and forms send them; a value that is not clearly permitted is refused,
with a text that says what is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from math import isfinite
from numbers import Real
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import Field

from ukssdc.request.lists import split_items
from ukssdc.request.value_texts import RefusedValueError, format_value

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
SYNONYMS = {"sec": "s", "second": "s", "seconds": "s", "mjd": "m"}
COMMA = re.compile(r"\s*,\s*")
UNSENDABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, halves of characters
MAX_INTEGER = 2**53  # beyond it, JSON readers differ


class TextFormat(NamedTuple):
    """What a text has to look like; without a pattern, it is sent as it is, or stripped of surrounding blanks.

    `read` takes the place of the rest: it turns any value into the text, or raises ValueError.
    """

    pattern: str
    description: str
    check: Callable[[str], bool] = bool
    strip: bool = False
    read: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter of the service (protocol, section 5).

    Attributes
    ----------
    name, wire_name : str
        Its name in the service's documentation ("pcCounts"), and in a submission's body ("pccounts").
    summary : str
        What it is, in a line.
    unit : str
        Unit of the value.
    default : object
        The service's default.
    ge, gt, le : float, optional
        Limits of a number, as in pydantic: at least, above, at most.
    format : TextFormat, optional
        What a text has to look like.
    multiple : bool
        Whether a text may be given as a list as well.
    deprecated : str
        A former name, still accepted.
    example : object
        For forms, where there is no default to go by.
    alias : str
        Another name that is accepted.
    field : str
        Its field in the models.
    type : object
        Type of its values: float, int, bool, str, a Literal, or a tuple of Literals.
    """

    name: str
    wire_name: str
    summary: str
    unit: str = ""
    default: Any = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    format: TextFormat | None = None
    multiple: bool = False
    deprecated: str = ""
    example: Any = None
    alias: str = ""
    field: str = ""
    type: Any = str

    def bind(self, field: str, annotation: Any) -> Parameter:
        """Return the parameter as the field of a model."""
        types = [t for t in get_args(annotation) if t is not NoneType]
        optional = NoneType in get_args(annotation)
        return replace(self, field=field, type=types[0] if optional else annotation)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name under which it is accepted."""
        return tuple(n for n in (self.field, self.name, self.wire_name, self.deprecated, self.alias) if n)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """The permitted words, where there are only these."""
        literal = get_args(self.type)[0] if get_origin(self.type) is tuple else self.type
        return get_args(literal) if get_origin(literal) is Literal else ()

    @property
    def permitted(self) -> str:
        """What is permitted, in words: "a number from 1 to 6 (arcmin)"."""
        unit = f" ({self.unit})" if self.unit else ""
        if self.choices:
            words = " or ".join([", ".join(self.choices[:-1]), self.choices[-1]])
            return f"a list of {words}" if get_origin(self.type) is tuple else words
        if self.type is bool:
            return "true or false"
        if self.type is str:
            return self.format.description if self.format else f"a text{unit}"
        return ("a whole number" if self.type is int else "a number") + self._range_text() + unit

    def _range_text(self) -> str:
        if self.ge is not None and self.le is not None:
            return f" from {self.ge:g} to {self.le:g}"
        if self.ge is not None:
            return f" of at least {self.ge:g}"
        return f" above {self.gt:g}" if self.gt is not None else ""

    @property
    def description(self) -> str:
        """What it is, with unit, range, example and default, for forms and schemas."""
        parts = [f"{self.summary}."]
        if self.unit:
            parts.append(f"Unit: {self.unit}.")
        if limits := self._range_text().removeprefix(" of").strip():
            parts.append(f"Permitted: {limits}.")
        if self.example is not None:
            parts.append(f"Example: {self.example}.")
        if self.default is not None:
            default = self.default if isinstance(self.default, str) else format_value(self.default)
            parts.append(f"Default of the service: {default}.")
        return " ".join(parts)

    def read(self, value: Any) -> Any:
        """Return `value` converted to the type of the parameter.

        Raises
        ------
        ValueError
            If it is not permitted.
        """
        if get_origin(self.type) is tuple:
            return self._read_choices(value)
        if self.choices:
            return self._read_choice(value)
        if self.type is str:
            return self._read_text(value)
        if self.type is bool:
            return read_flag(value)
        number = _read_integer(value) if self.type is int else _read_number(value)
        outside = (
            (self.ge is not None and number < self.ge)
            or (self.gt is not None and number <= self.gt)
            or (self.le is not None and number > self.le)
        )
        if outside:
            raise ValueError(self.permitted)
        return number

    def _read_choice(self, value: Any) -> str:
        # `allowUL: no` is a False to many YAML readers, `grades: 0` a number to all of them.
        choice = "no" if value is False else _word(value)
        choice = choice if choice in self.choices else SYNONYMS.get(choice, choice)
        if choice not in self.choices:
            raise ValueError(self.permitted)
        return choice

    def _read_choices(self, value: Any) -> tuple[str, ...]:
        words = split_items(value)
        if not words:
            raise ValueError(self.permitted)
        return tuple(self._read_choice(choice) for choice in words)

    def _read_text(self, value: Any) -> str:
        if self.format and self.format.read:
            return self.format.read(value)
        if self.multiple:
            items = split_items(value)
            value = ",".join(items) if all(isinstance(item, str) for item in items) else value
        if not isinstance(value, str) or not value.strip():
            raise ValueError(self.permitted)
        if UNSENDABLE.search(value):
            raise RefusedValueError(f"is {format_value(value)}, which is not permitted (a character cannot be sent)")
        text = str(value)  # not numpy's own
        if self.format is None or not self.format.pattern:
            return text.strip() if self.format and self.format.strip else text
        text = COMMA.sub(",", text.strip())
        if not re.fullmatch(self.format.pattern, text) or not self.format.check(text):
            raise ValueError(self.permitted)
        return text

    def __call__(self, schema: dict[str, Any]) -> None:
        """Finish the field's JSON schema: pydantic calls this."""
        # A parameter that is not set is left out, not null.
        schema.pop("default", None)
        for branch in schema.pop("anyOf", []):
            if branch.get("type") != "null":
                schema.update(branch)
        kind, example = schema.get("type"), self.example
        if kind == "boolean":  # a form takes a switch that nobody touched for false
            del schema["type"]
            schema["enum"] = [True, False]
        elif kind == "number":  # the V2 form of Prefect 3.8 takes no fractions in the field of a number
            schema["type"], example = "string", None if example is None else str(example)
        elif kind == "integer":
            limits = {"minimum": self.ge, "exclusiveMinimum": self.gt, "maximum": self.le}
            schema.update({key: limit for key, limit in limits.items() if limit is not None})
        elif self.format and self.format.pattern and not self.multiple:
            schema["pattern"] = f"^({self.format.pattern})$"
        if example is not None:
            schema["examples"] = [example]
        schema["wireName"] = self.wire_name


class ParameterRows(dict[str, Parameter]):
    """Parameters by field, and by every name."""

    @cached_property
    def by_name(self) -> dict[str, Parameter]:
        """Every name under which one is accepted -> the parameter."""
        return {name: row for row in self.values() for name in row.names}


def param(name: str, wire_name: str, summary: str, default: Any = None, **more: Any) -> Any:
    """Declare a model's field as a parameter of the service; `more` are further attributes of `Parameter`."""
    parameter = Parameter(name, wire_name, summary, default=default, **more)
    return Field(default=None, title=name, description=parameter.description, json_schema_extra=parameter)


def read_flag(value: Any) -> bool:
    """Return a flag, however it is written; `ValueError` for anything else."""
    try:
        return FLAGS[_word(value)]
    except KeyError:
        raise ValueError("true or false") from None


def _word(value: Any) -> str:
    """Return a word in small letters, however it is written: True, 4.0 and numpy's own are words as well."""
    if isinstance(value, (Real, Decimal)) and not isinstance(value, bool):
        number = _read_number(value)
        return str(int(number) if number.is_integer() else number)
    if isinstance(value, str) or type(value).__name__.startswith("bool"):  # numpy's is no Python bool
        return str(value).strip().lower()
    raise ValueError("a word")


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, Real, Decimal)):
        raise ValueError("a number")  # noqa: TRY004 - one type of error for all that is not permitted
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number") from error
    if not isfinite(number):
        raise ValueError("a finite number")
    return number


def _read_integer(value: Any) -> int:
    number = _read_number(value)
    if not number.is_integer() or abs(number) > MAX_INTEGER:
        raise ValueError("a whole number")
    return int(number)
