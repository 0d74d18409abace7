"""One row of the protocol's parameter tables: its names, and how a value of it is read.

A value is read generously (numbers and flags may be strings, as the service and forms send them) but never
guessed: what is not certainly permitted is refused, with words for what is.
"""

from __future__ import annotations

import re
import reprlib
from dataclasses import dataclass, replace
from math import isfinite
from numbers import Integral, Real
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
SYNONYMS = {"sec": "s", "second": "s", "seconds": "s", "mjd": "m"}
COMMA = re.compile(r"\s*,\s*")


class TextFormat(NamedTuple):
    """The form that a text has to have; one without a pattern is sent as it is, or without the blanks around it."""

    pattern: str
    words: str
    check: Callable[[str], bool] = bool
    strip: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter of the service (protocol, section 5).

    Attributes
    ----------
    user, wire : str
        Its name among the service's users, and in a body.
    text : str
        What it is, in a line.
    unit : str
        Unit of the value.
    default : object
        What the service fills in where it is not sent.
    low, above, high : float, optional
        Lowest permitted value, or the value that it has to exceed; highest permitted value.
    form : Form, optional
        What a text has to look like.
    many : bool
        A text that may be given as a list, too.
    deprecated : str
        A former name, still accepted.
    field : str
        Its name in our models.
    type : object
        Of its values: float, int, bool, str, a Literal, or a tuple of Literals.
    """

    user: str
    wire: str
    text: str
    unit: str = ""
    default: Any = None
    low: float | None = None
    above: float | None = None
    high: float | None = None
    form: TextFormat | None = None
    multiple: bool = False
    deprecated: str = ""
    field: str = ""
    type: Any = str

    def bind(self, field: str, annotation: Any) -> Parameter:
        """Return this row as the field of a model."""
        types = [t for t in get_args(annotation) if t is not NoneType]
        optional = NoneType in get_args(annotation)
        return replace(self, field=field, type=types[0] if optional else annotation)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which it is accepted."""
        return tuple(n for n in (self.field, self.user, self.wire, self.deprecated) if n)

    @property
    def choices(self) -> tuple[str, ...]:
        """The permitted words, where they are a closed set."""
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
            return self.form.words if self.form else f"a text{unit}"
        return ("a whole number" if self.type is int else "a number") + self._range() + unit

    def _range(self) -> str:
        if self.low is not None and self.high is not None:
            return f" from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f" of at least {self.low:g}"
        return f" above {self.above:g}" if self.above is not None else ""

    @property
    def description(self) -> str:
        """What it is, with unit and default, for forms and schemas."""
        parts = [self.text + (f", {self.unit}" if self.unit else "") + "."]
        if self.default is not None:
            parts.append(f"Default of the service: {show(self.default)}.")
        return " ".join(parts)

    def read(self, value: Any) -> Any:
        """Return `value` as what it stands for.

        Raises
        ------
        ValueError
            If it is not permitted.
        """
        if get_origin(self.type) is tuple:
            return self._words(value)
        if self.choices:
            return self._choice(value)
        if self.type is str:
            return self._text(value)
        if self.type is bool:
            return read_flag(value)
        number = _whole(value) if self.type is int else _number(value)
        outside = (
            (self.low is not None and number < self.low)
            or (self.above is not None and number <= self.above)
            or (self.high is not None and number > self.high)
        )
        if outside:
            raise ValueError(self.permitted)
        return number

    def _choice(self, value: Any) -> str:
        # `allowUL: no` is a False to many YAML readers, `grades: 0` a number to all of them.
        word = "no" if value is False else str(value).strip().lower()
        word = word if word in self.choices else SYNONYMS.get(word, word)
        if word not in self.choices:
            raise ValueError(self.permitted)
        return word

    def _words(self, value: Any) -> tuple[str, ...]:
        words = COMMA.split(value) if isinstance(value, str) else value
        if not isinstance(words, (list, tuple)) or not words:
            raise ValueError(self.permitted)
        return tuple(self._choice(word) for word in words)

    def _text(self, value: Any) -> str:
        if self.multiple and isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
            value = ",".join(value)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(self.permitted)
        if self.form is None or not self.form.pattern:
            return value.strip() if self.form and self.form.strip else value
        text: str = COMMA.sub(",", value.strip())
        if not re.fullmatch(self.form.pattern, text) or not self.form.check(text):
            raise ValueError(self.permitted)
        return text

    def __call__(self, schema: dict[str, Any]) -> None:
        """Finish the field's JSON schema: pydantic calls this."""
        drop_null(schema)
        limits = {"minimum": self.low, "exclusiveMinimum": self.above, "maximum": self.high}
        schema.update({key: limit for key, limit in limits.items() if limit is not None})
        if self.form and self.form.pattern and not self.multiple:
            schema["pattern"] = f"^({self.form.pattern})$"
        schema["wireName"] = self.wire


def parameter(user: str, wire: str, text: str, default: Any = None, **more: Any) -> Any:
    """Declare a field as a parameter of the service; `more` are further attributes of `Parameter`."""
    row = Parameter(user, wire, text, default=default, **more)
    return Field(default=None, title=user, description=row.description, json_schema_extra=row)


def drop_null(schema: dict[str, Any]) -> None:
    """Take null and the default out of a field's JSON schema: what is not set is left out, not null."""
    schema.pop("default", None)
    for branch in schema.pop("anyOf", []):
        if branch.get("type") != "null":
            schema.update(branch)


def show(value: Any) -> str:
    """Return `value` for a message: short, and without any e-mail address, which is a credential."""
    if isinstance(value, str):
        return "an e-mail address" if "@" in value else reprlib.repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    text = reprlib.repr(value)
    return "something with an e-mail address" if "@" in text else text


def read_flag(value: Any) -> bool:
    """Return a flag, however it is written; `ValueError` for anything else."""
    try:
        return FLAGS[str(value).strip().lower()]
    except KeyError:
        raise ValueError("true or false") from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        raise ValueError("a number")  # noqa: TRY004 - one kind of error for one kind of mistake
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("a number") from error
    if not isfinite(number):
        raise ValueError("a finite number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    number = _number(value)
    if not number.is_integer():
        raise ValueError("a whole number")
    return int(number)
