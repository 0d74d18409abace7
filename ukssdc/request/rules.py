"""The rules between the parameters of a product, or of the whole request.

A `ParameterSet` is the parameters while they are being checked. A rule fills in a value or adds a problem; a parameter
that was given but could not be read counts as given, so that one mistake is reported once.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from ukssdc.request.parameter_values import Parameter, ParameterRows
from ukssdc.request.value_texts import RefusedValueError, format_name, format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY_VALUE = object()


class Rule(Protocol):
    """A rule between parameters."""

    def apply(self, params: ParameterSet) -> None:
        """Fill in values, or add problems."""


class Problem(str):
    """A problem as text; leaving out one of `fields` solves it."""

    __slots__ = ("fields",)
    fields: tuple[str, ...]

    def __new__(cls, text: str, fields: tuple[str, ...] = ()) -> Self:
        """Make a text with its fields."""
        problem = super().__new__(cls, text)
        problem.fields = fields
        return problem


@dataclass
class ParameterSet:
    """Parameters that are being checked.

    Attributes
    ----------
    rows : ParameterRows
        The known parameters, by field.
    prefix : str
        What comes before their names in messages: "LightCurve.", or nothing.
    values : dict
        The values that could be read, by field.
    given_names : dict
        The names as the user wrote them, by field.
    misspelt : set of str
        The fields whose names were misspelt; there is a problem for each.
    implied_by : dict
        Field filled in by a rule -> the field that implies it.
    problems : list of Problem
        All problems so far.
    """

    rows: ParameterRows
    prefix: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    given_names: dict[str, str] = field(default_factory=dict)
    misspelt: set[str] = field(default_factory=set)
    implied_by: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(
        self, items: Iterable[tuple[Any, Any]], hints: Mapping[str, str] | None = None, other_names: Iterable[str] = ()
    ) -> ParameterSet:
        """Read names and values as the user wrote them.

        `hints` says where a name belongs that is none of these parameters; `other_names` are further suggestions for a
        misspelt name.
        """
        names = self.rows.by_name
        suggestions: dict[str, str] = {}
        for key, value in items:
            row = names.get(key)
            if row is None:
                suggestions = suggestions or _suggestions(names, other_names)
                suggestion = None if key in (hints or {}) else _nearest(format_name(key), suggestions)
                self.add_problem(self.prefix + _unknown_text(key, suggestion, suggestions, hints or {}))
                if suggestion in names:
                    self.misspelt.add(names[suggestion].field)
            elif value is not None:
                self._read_given(row, key, value)
        return self

    def _read_given(self, row: Parameter, key: str, value: Any) -> None:
        before = self.given_names.get(row.field)
        if before is not None:
            self.add_problem(f"{self.prefix}{key} and {before} are the same parameter: give it once")
            return
        self.given_names[row.field] = key
        try:
            self.values[row.field] = row.read(value)
        except RefusedValueError as error:
            self.add_problem(f"{self.full_name(row.field)} {error}: give {row.permitted}")
        except ValueError:
            quotes = " in quotes" if row.type is str and not isinstance(value, (str, list, tuple)) else ""
            given = f"{self.full_name(row.field)} is {format_value(value)}"
            self.add_problem(f"{given}, which is not permitted: give {row.permitted}{quotes}")

    def has(self, field: str) -> bool:
        """Tell whether a parameter was given, or filled in by a rule."""
        return field in self.given_names or field in self.values

    def is_mentioned(self, field: str) -> bool:
        """Tell whether a parameter was given, maybe with its name misspelt."""
        return self.has(field) or field in self.misspelt

    def has_value(self, field: str, value: Any) -> bool:
        """Tell whether a parameter was given and has this value."""
        return self.has(field) if value is ANY_VALUE else field in self.values and self.values[field] == value

    def value_or_default(self, field: str) -> Any:
        """Return a parameter's value, or the service's default; None where it could not be read."""
        return self.values.get(field, None if field in self.given_names else self.rows[field].default)

    def name(self, field: str) -> str:
        """Return a parameter's name as the user spells it."""
        return self.given_names.get(field, self.rows[field].name)

    def full_name(self, field: str) -> str:
        """Return the same after the product's name."""
        return self.prefix + self.name(field)

    def add_problem(self, text: str, *fields: str) -> None:
        """Add a problem; leaving out one of `fields` solves it."""
        self.problems.append(Problem(text, fields))

    def apply_rules(self, rules: Iterable[Rule]) -> None:
        """Apply the rules, in their order."""
        for rule in rules:
            rule.apply(self)


@dataclass(frozen=True)
class Requires:
    """`fields` have to be given: always, or only with a value of another parameter (or two), or unless one is true."""

    fields: tuple[str, ...]
    when: tuple[str, Any] | None = None
    also: tuple[str, Any] | None = None
    unless: str | None = None

    def apply(self, params: ParameterSet) -> None:
        """Add a problem for each field that is missing."""
        if self.when is not None and not params.has_value(*self.when):
            return
        if self.also is not None and not params.has_value(*self.also):
            return
        # A value that could not be read may have been meant as true.
        if self.unless and params.is_mentioned(self.unless) and not params.has_value(self.unless, value=False):
            return
        fields = (self.when[0],) if self.when else ()
        for name in self.fields:
            if not params.is_mentioned(name):
                row = params.rows[name]
                alternative = f", or {params.name(self.unless)} true" if self.unless else ""
                text = f"{params.full_name(name)} is missing{self._reason(params)}: give {row.permitted}{alternative}"
                params.add_problem(text, *fields)

    def _reason(self, params: ParameterSet) -> str:
        if self.when is None:
            return ""
        name, value = self.when
        return f" ({params.name(name)}{'' if value is ANY_VALUE else f' {_unquoted(value)}'} needs it)"


@dataclass(frozen=True)
class Implies:
    """Giving `field` (with `value`) sets `target` to `to`; giving `target` another value is a contradiction.

    `discard` is the one of the two to ignore where the service's own answer contradicts itself; without `fill`, the
    target is left unset.
    """

    field: str
    target: str
    to: Any
    value: Any = ANY_VALUE
    discard: Literal["field", "target"] = "field"
    fill: bool = True

    def apply(self, params: ParameterSet) -> None:
        """Set the target."""
        if not params.has_value(self.field, self.value):
            return
        if not params.has(self.target):
            if self.fill:
                params.values[self.target] = self.to
                params.implied_by[self.target] = self.field
        elif self.target in params.values and params.values[self.target] != self.to:
            self._contradict(params)

    def _contradict(self, params: ParameterSet) -> None:
        one, target = params.name(self.field), params.name(self.target)
        other, given = params.implied_by.get(self.target, self.target), _unquoted(params.values[self.target])
        state = "" if self.value is ANY_VALUE else f" {_unquoted(self.value)}"
        is_given = f"is {given}" if other == self.target else f"means {target} {given}"
        params.add_problem(
            f"{params.full_name(other)} {is_given}, but {one}{state} means {target} {_unquoted(self.to)}: "
            f"leave out {one} or {params.name(other)}",
            getattr(self, self.discard),
        )


@dataclass(frozen=True)
class AlwaysSent:
    """`field` is always sent, with `value` where it is not given."""

    field: str
    value: Any

    def apply(self, params: ParameterSet) -> None:
        """Fill it in."""
        if not params.has(self.field):
            params.values[self.field] = self.value


@dataclass(frozen=True)
class LessThan:
    """`low` is less than `high`, the service's defaults taken into account."""

    low: str
    high: str

    def apply(self, params: ParameterSet) -> None:
        """Add a problem where the range is empty."""
        low, high = params.value_or_default(self.low), params.value_or_default(self.high)
        given = tuple(name for name in (self.low, self.high) if name in params.values)
        if given and low is not None and high is not None and low >= high:
            unit, name_of_high = params.rows[self.low].unit, params.name(self.high)
            params.add_problem(
                f"{params.full_name(self.low)} is {_value_text(params, self.low)} {unit} and {name_of_high} "
                f"{_value_text(params, self.high)} {unit}: give a {params.name(self.low)} below {name_of_high}",
                *given,
            )


@dataclass(frozen=True)
class Between:
    """`field`, where it is given, lies from `low` to `high`, the service's defaults taken into account."""

    field: str
    low: str
    high: str

    def apply(self, params: ParameterSet) -> None:
        """Add a problem where the value is outside."""
        value = params.values.get(self.field)
        low, high = params.value_or_default(self.low), params.value_or_default(self.high)
        if value is None or low is None or high is None or low >= high or low <= value <= high:
            return
        unit = params.rows[self.field].unit
        params.add_problem(
            f"{params.full_name(self.field)} is {format_value(value)} {unit}, outside {params.name(self.low)} to "
            f"{params.name(self.high)} ({_value_text(params, self.low)} to {_value_text(params, self.high)} {unit}): "
            "give a value inside, or widen these",
            self.field,
        )


@dataclass(frozen=True)
class OnlyIf:
    """`fields` have an effect only where `other` is `value`."""

    fields: tuple[str, ...]
    other: str
    value: Any

    def apply(self, params: ParameterSet) -> None:
        """Add a problem for fields that would be ignored."""
        given = tuple(name for name in self.fields if params.has(name))
        state = params.value_or_default(self.other)
        if given and state is not None and state != self.value:
            names, verb = ", ".join(params.name(name) for name in given), "is" if len(given) == 1 else "are"
            other = params.name(self.other)
            params.add_problem(
                f"{params.prefix}{names} {verb} given, but {other} is {_unquoted(state)}: "
                f"set {other} to {_unquoted(self.value)}, or leave out {names}",
                *given,
            )


def _suggestions(names: Mapping[str, Parameter], other_names: Iterable[str]) -> dict[str, str]:
    return {_normalized(name): row.name for name, row in names.items()} | {_normalized(n): n for n in other_names}


def _nearest(key: str, suggestions: Mapping[str, str]) -> str | None:
    found = difflib.get_close_matches(_normalized(key), suggestions, n=1)
    return suggestions[found[0]] if found else None


def _unknown_text(key: Any, suggestion: str | None, known: Mapping[str, str], hints: Mapping[str, str]) -> str:
    shown = format_name(key)
    if key in hints:
        return f"{shown} is not a parameter here: {hints[key]}"
    there_are = ", ".join(dict.fromkeys(known.values()))
    return f"{shown} is not a parameter: " + (f"did you mean {suggestion}?" if suggestion else f"there are {there_are}")


def _normalized(name: str) -> str:
    return name.replace("_", "").lower()


def _value_text(params: ParameterSet, name: str) -> str:
    default = "" if name in params.values else ", the default,"
    return f"{format_value(params.value_or_default(name))}{default}"


def _unquoted(value: Any) -> str:
    """Return a value for the middle of a sentence: `user`, `true`, 15."""
    return value if isinstance(value, str) else format_value(value)
