"""What the parameters of one product have to satisfy together, as rules that a table can hold.

A `Draft` is a product's (or the whole request's) parameters while they are being checked. A rule completes the
draft or notes a problem; a parameter that was given but could not be read counts as given, so that one
mistake is named once.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from ukssdc.request.parameter_values import Parameter, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY = object()


class Rule(Protocol):
    """Something that holds between parameters."""

    def apply(self, draft: Draft) -> None:
        """Complete `draft`, or note what is wrong with it."""


class Problem(str):
    """What is wrong; `culprits` are the fields that can be left out to mend it."""

    __slots__ = ("fields",)
    fields: tuple[str, ...]

    def __new__(cls, text: str, fields: tuple[str, ...] = ()) -> Self:
        """Make a text that knows its culprits."""
        problem = super().__new__(cls, text)
        problem.fields = fields
        return problem


@dataclass
class Draft:
    """Parameters that are being checked.

    Attributes
    ----------
    rows : mapping of str to Parameter
        The parameters that there are, by field.
    where : str
        What their names begin with in messages: "LightCurve.", or nothing.
    values : dict
        What could be read, by field.
    spelled : dict
        The names as the user wrote them, by field.
    meant : set of str
        The fields whose names were misspelt, as the problem noted says.
    because : dict
        Which other field made a rule fill in this one.
    problems : list of Problem
        What is wrong so far.
    """

    rows: Mapping[str, Parameter]
    where: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    given_names: dict[str, str] = field(default_factory=dict)
    misspelt: set[str] = field(default_factory=set)
    because: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(
        self, items: Iterable[tuple[Any, Any]], hints: Mapping[str, str] | None = None, more: Iterable[str] = ()
    ) -> Draft:
        """Take in what the user wrote.

        `hints` says where a name belongs that is none of these parameters; `more` are names that are no
        parameters but may have been meant.
        """
        names = {name: row for row in self.rows.values() for name in row.names}
        nearest = {_plain(name): row.user for name, row in names.items()} | {_plain(name): name for name in more}
        for key, value in items:
            row = names.get(key)
            if row is None:
                near = None if key in (hints or {}) else _nearest(str(key), nearest)
                self.note(f"{self.where}{_unknown(str(key), near, nearest, hints or {})}")
                if near in names:
                    self.misspelt.add(names[near].field)
            elif value is not None:
                self._take(row, key, value)
        return self

    def _take(self, row: Parameter, key: str, value: Any) -> None:
        before = self.given_names.get(row.field)
        if before is not None:
            self.note(f"{self.where}{key} and {before} are the same parameter: give it once")
            return
        self.given_names[row.field] = key
        try:
            self.values[row.field] = row.read(value)
        except ValueError:
            quotes = " in quotes" if row.type is str and not isinstance(value, (str, list, tuple)) else ""
            self.note(f"{self.name(row.field)} is {show(value)}, which is not permitted: give {row.permitted}{quotes}")

    def has(self, field: str) -> bool:
        """Tell whether a parameter was given, or completed by a rule."""
        return field in self.given_names or field in self.values

    def tried(self, field: str) -> bool:
        """Tell whether a parameter was given, if only under a name that is nearly its own."""
        return self.has(field) or field in self.misspelt

    def is_(self, field: str, value: Any) -> bool:
        """Tell whether a parameter was given and has this value."""
        return self.has(field) if value is ANY else field in self.values and self.values[field] == value

    def effective(self, field: str) -> Any:
        """Return a parameter's value, or the service's default; None where it could not be read."""
        return self.values.get(field, None if field in self.given_names else self.rows[field].default)

    def word(self, field: str) -> str:
        """Return a parameter's name as the user spells it."""
        return self.given_names.get(field, self.rows[field].user)

    def name(self, field: str) -> str:
        """Return the same with the product before it."""
        return self.where + self.word(field)

    def note(self, text: str, *fields: str) -> None:
        """Note a problem."""
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

    def apply(self, draft: Draft) -> None:
        """Note each field that is missing."""
        if not all(draft.is_(*condition) for condition in (self.when, self.also) if condition):
            return
        # One that could not be read may have been meant as true.
        if self.unless and draft.tried(self.unless) and not draft.is_(self.unless, value=False):
            return
        fields = (self.when[0],) if self.when else ()
        for name in self.fields:
            if not draft.tried(name):
                row = draft.rows[name]
                alternative = f", or {draft.word(self.unless)} true" if self.unless else ""
                text = f"{draft.name(name)} is missing{self._reason(draft)}: give {row.permitted}{alternative}"
                draft.note(text, *fields)

    def _reason(self, draft: Draft) -> str:
        if self.when is None:
            return ""
        name, value = self.when
        return f" ({draft.word(name)}{'' if value is ANY else f' {_word(value)}'} needs it)"


@dataclass(frozen=True)
class Implies:
    """Giving `field` (with `value`) sets `target` to `to`; giving that otherwise as well is a contradiction.

    `loses` is the one of the two to disbelieve in what the service sends; without `fill`, the target is left
    unset.
    """

    field: str
    target: str
    to: Any
    value: Any = ANY
    loses: Literal["field", "target"] = "field"
    fill: bool = True

    def apply(self, draft: Draft) -> None:
        """Set the target."""
        if not draft.is_(self.field, self.value):
            return
        if not draft.has(self.target):
            if self.fill:
                draft.values[self.target] = self.to
                draft.because[self.target] = self.field
        elif self.target in draft.values and draft.values[self.target] != self.to:
            self._contradict(draft)

    def _contradict(self, draft: Draft) -> None:
        one, target = draft.word(self.field), draft.word(self.target)
        other, given = draft.because.get(self.target, self.target), _word(draft.values[self.target])
        state = "" if self.value is ANY else f" {_word(self.value)}"
        is_given = f"is {given}" if other == self.target else f"means {target} {given}"
        draft.note(
            f"{draft.name(other)} {is_given}, but {one}{state} means {target} {_word(self.to)}: "
            f"leave out {one} or {draft.word(other)}",
            getattr(self, self.loses),
        )


@dataclass(frozen=True)
class Always:
    """`field` is always sent: with `value` where it is not set."""

    field: str
    value: Any

    def apply(self, draft: Draft) -> None:
        """Fill it in."""
        if not draft.has(self.field):
            draft.values[self.field] = self.value


@dataclass(frozen=True)
class LessThan:
    """`low` is less than `high`, the service's defaults taken into account."""

    low: str
    high: str

    def apply(self, draft: Draft) -> None:
        """Note a range that is empty."""
        low, high = draft.effective(self.low), draft.effective(self.high)
        given = tuple(name for name in (self.low, self.high) if name in draft.values)
        if given and low is not None and high is not None and low >= high:
            unit = draft.rows[self.low].unit
            draft.note(
                f"{draft.name(self.low)} is {_given(draft, self.low)} {unit} and {draft.word(self.high)} "
                f"{_given(draft, self.high)} {unit}: give a {draft.word(self.low)} below {draft.word(self.high)}",
                *given,
            )


@dataclass(frozen=True)
class Between:
    """`field`, where it is given, lies from `low` to `high`, the service's defaults taken into account."""

    field: str
    low: str
    high: str

    def apply(self, draft: Draft) -> None:
        """Note a value outside."""
        value, low, high = draft.values.get(self.field), draft.effective(self.low), draft.effective(self.high)
        if value is None or low is None or high is None or low >= high or low <= value <= high:
            return
        unit = draft.rows[self.field].unit
        draft.note(
            f"{draft.name(self.field)} is {show(value)} {unit}, outside {draft.word(self.low)} to "
            f"{draft.word(self.high)} ({_given(draft, self.low)} to {_given(draft, self.high)} {unit}): "
            "give a value inside, or widen these",
            self.field,
        )


@dataclass(frozen=True)
class OnlyIf:
    """`fields` only mean something where `other` is `value`."""

    fields: tuple[str, ...]
    other: str
    value: Any

    def apply(self, draft: Draft) -> None:
        """Note fields that would be ignored."""
        given = tuple(name for name in self.fields if draft.has(name))
        state = draft.effective(self.other)
        if given and state is not None and state != self.value:
            names = ", ".join(draft.word(name) for name in given)
            other = draft.word(self.other)
            draft.note(
                f"{draft.where}{names} {'is' if len(given) == 1 else 'are'} given, but {other} is {_word(state)}: "
                f"set {other} to {_word(self.value)}, or leave out {names}",
                *given,
            )


def _nearest(key: str, nearest: Mapping[str, str]) -> str | None:
    found = difflib.get_close_matches(_plain(key), nearest, n=1)
    return nearest[found[0]] if found else None


def _unknown(key: str, near: str | None, nearest: Mapping[str, str], hints: Mapping[str, str]) -> str:
    shown = "(an e-mail address)" if "@" in key else key
    if key in hints:
        return f"{shown} is not a parameter here: {hints[key]}"
    there_are = ", ".join(dict.fromkeys(nearest.values()))
    return f"{shown} is not a parameter: " + (f"did you mean {near}?" if near else f"there are {there_are}")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _given(draft: Draft, name: str) -> str:
    default = "" if name in draft.values else ", the default,"
    return f"{show(draft.effective(name))}{default}"


def _word(value: Any) -> str:
    """Return a value for the middle of a sentence: `user`, `true`, 15."""
    return value if isinstance(value, str) else show(value)
