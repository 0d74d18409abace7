"""Problems of a request without what stands in it: for places that are not to show a file's contents."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ukssdc.request.parameters import Parameters
from ukssdc.status import Product

USER_ID = "UserID"
USER_HINT = "the e-mail address is the account's, and is put in when the request is sent"
USER_PROBLEM = f"{USER_ID} is not a parameter here: {USER_HINT}"  # what a problem with USER_HINT reads
NO_PRODUCT = f"no product is asked for: give at least one of {', '.join(Product)}, in products or as a section"
UNKNOWN = "it holds what is no parameter of a request, or what does not go together"
NAME = re.compile(r"(?:(\w+)\.)?(\w+)\b")


def redact(
    problems: Iterable[str], general: type[Parameters], sections: dict[Product, type[Parameters]]
) -> tuple[str, ...]:
    """Return problems with no more of the request than the names of parameters that there are."""
    permitted = {("", name): row.permitted for row in general.ROWS.values() for name in row.names}
    for product, model in sections.items():
        permitted |= {(product, name): row.permitted for row in model.ROWS.values() for name in row.names}
    return tuple(dict.fromkeys(_redact(problem, permitted) for problem in problems))


def _redact(problem: str, permitted: dict[tuple[str, str], str]) -> str:
    if problem == NO_PRODUCT:
        return problem
    found = NAME.match(problem)
    section, name = (found[1] or "", found[2]) if found else ("", "")
    if (section, name) not in permitted:
        return UNKNOWN
    return f"{section}{'.' if section else ''}{name} is missing or wrong: give {permitted[section, name]}"
