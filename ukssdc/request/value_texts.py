"""Values and names in messages: short, printable, and without any e-mail address, which is a credential."""

from __future__ import annotations

import reprlib
from typing import Any

MAX_NAME = 60  # characters of a parameter's name


class RefusedValueError(ValueError):
    """A value that is not permitted; the text continues the parameter's name: "is 'x', which is not permitted"."""


def format_value(value: Any) -> str:
    """Return `value` for a message."""
    if isinstance(value, str):
        return "an e-mail address" if "@" in value else reprlib.repr(str(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return ", ".join(str(v) for v in value)
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python writes no integer of more than 4300 digits
        return "a number of thousands of digits"
    return "something with an e-mail address" if "@" in text else text


def format_name(name: Any) -> str:
    """Return the name of what is no parameter."""
    text = str(name) if isinstance(name, str) else format_value(name)
    if "@" in text:
        return "(an e-mail address)"
    text = text if len(text) <= MAX_NAME else text[: MAX_NAME - 3] + "..."
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
