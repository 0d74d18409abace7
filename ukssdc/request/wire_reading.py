"""Read a job's parameters back, as the service has them: what can be read is kept, and the rest is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ukssdc.request.parameter_values import ParameterRows
from ukssdc.request.rules import ParameterSet, Rule
from ukssdc.request.value_texts import format_name, format_value

# In bodies and `jobPars`, but none of a request's parameters (protocol, sections 1 and 5).
NO_PARAMETERS = frozenset({"api_name", "api_version", "userid", "whatsxps", "do3col", "enh", "pcmaxbin", "wtmaxbin"})


class WireParameters(NamedTuple):
    """The parameters of a product, or of the whole request, as far as they could be read.

    Attributes
    ----------
    values : dict
        By field.
    unread : dict
        Wire name -> why its value is left out.
    missing : tuple of str
        What a request needs and the service does not tell.
    """

    values: dict[str, Any]
    unread: dict[str, str]
    missing: tuple[str, ...]


def lower_keys(body: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what is set in a body by wire names in small letters: the service sends SinceT0 back as sinceT0."""
    return {
        (key if isinstance(key, str) else format_name(key)).lower(): value
        for key, value in body.items()
        if value is not None and not (isinstance(value, str) and not value.strip())
    }


def read_parameters(
    rows: ParameterRows, rules: Iterable[Rule], body: Mapping[str, Any], prefix: str = ""
) -> WireParameters:
    """Read the parameters of a product, or of the whole request.

    The service's own answers may contradict themselves; one of two values is left out then.
    """
    given = {field: body[key] for field, row in rows.items() if (key := row.wire_name.lower()) in body}
    first, unread = _apply(rows, rules, given, prefix)
    params, kept = first, dict(given)
    while contradicting := _contradicting(params, kept):
        kept = {field: value for field, value in kept.items() if field not in contradicting}
        params, _ = _apply(rows, rules, kept, prefix)
    if params.problems:
        return WireParameters(first.values, unread, tuple(str(problem) for problem in first.problems))
    for field in given.keys() - kept.keys():
        if first.values[field] != params.values.get(field, rows[field].default):
            text = f"{first.full_name(field)} is {format_value(given[field])}, which contradicts the rest"
            unread[rows[field].wire_name.lower()] = text
    return WireParameters(params.values, unread, ())


def _apply(
    rows: ParameterRows, rules: Iterable[Rule], given: Mapping[str, Any], prefix: str
) -> tuple[ParameterSet, dict[str, str]]:
    """Read values and apply the rules; return the rules' problems in the set, and those of the values by wire name."""
    params, unread = ParameterSet(rows, prefix=prefix), {}
    for field, value in given.items():
        params.read([(rows[field].name, value)])
        if params.problems:
            unread[rows[field].wire_name.lower()] = str(params.problems.pop())
    params.apply_rules(rules)
    return params, unread


def _contradicting(params: ParameterSet, given: Mapping[str, Any]) -> set[str]:
    return {f for problem in params.problems for f in problem.fields if f in given and f in params.values}
