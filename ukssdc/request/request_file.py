"""Read a request's file or its text, YAML or JSON.

Plain YAML 1.1 reads an unquoted target ID such as 00032503 as an octal number, `no` as false and 12:30 as
750; here, everything but decimal numbers, true, false and null is text.
"""

from __future__ import annotations

import codecs
import errno
import json
import re
import stat
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from ukssdc.errors import InvalidRequest
from ukssdc.request.request_sections import PRODUCTS_BY_NAME

if TYPE_CHECKING:
    from pathlib import Path

ADVICE = "Correct it there and try again"
PASTED = "the text"
MAX_SIZE = 1_000_000  # bytes; a request with a thousand obsIDs has 12 kB
YAML_TYPES = {
    "tag:yaml.org,2002:null": r"~|null|",
    "tag:yaml.org,2002:bool": r"true|false|True|False",
    "tag:yaml.org,2002:int": r"[-+]?(?:0|[1-9][0-9]*)",
    "tag:yaml.org,2002:float": r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)",
    "tag:yaml.org,2002:merge": r"<<",
}


# The longer mark first: UTF-32's begins with UTF-16's. Windows writes UTF-16 under the name of Unicode.
ENCODINGS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class RequestLoader(yaml.SafeLoader):
    """A YAML loader that converts fewer words, and refuses duplicate names."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - replaces PyYAML's

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a duplicate name: PyYAML would silently take the last."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


for _tag, _form in YAML_TYPES.items():
    RequestLoader.add_implicit_resolver(_tag, re.compile(rf"(?:{_form})\Z"), None)


def read_request_file(path: Path, *, quote: bool = True) -> Mapping[Any, Any]:
    """Return the content of a request's file.

    Parameters
    ----------
    path : Path
    quote : bool
        Whether an error may quote from the file; where it may not, only an ordinary file of a request's size is read.

    Raises
    ------
    InvalidRequest
        Where it cannot be read, or does not hold names with values.
    """
    try:
        if not quote:
            _require_request_size(path)
        text = decode_text(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not text in UTF-8"
        raise _invalid_file(
            f"cannot read {path}: {reason}. Give the name of a YAML or JSON file with the request"
        ) from None
    return _parse(text, "JSON" if path.suffix.lower() == ".json" else "YAML", str(path), quote=quote)


def read_request_text(text: str) -> Mapping[Any, Any]:
    """Return the content of a request's text, YAML or JSON; errors as for `read_request_file`."""
    return _parse(text, "JSON" if _is_json(text) else "YAML", PASTED, quote=True)


def is_request_text(value: str) -> bool:
    """Tell the text of a request from the name of a file."""
    return value.lstrip().startswith("{") or "\n" in value.strip() or ": " in value


def _require_request_size(path: Path) -> None:
    """Refuse a device, which may never end, and a file that is far too large."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_SIZE:
        raise OSError(errno.EINVAL, "it is no file of a request's size")


def _parse(text: str, form: str, source: str, *, quote: bool) -> Mapping[Any, Any]:
    try:
        content = _read_json(text) if form == "JSON" else _read_yaml(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}," if error.doc else ""
        raise _invalid_file(f"{source}{line} is not JSON{_reason(error.msg, quote=quote)}. {ADVICE}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}," if mark else ""
        raise _invalid_file(f"{source}{line} is not YAML{_reason(error.problem, quote=quote)}. {ADVICE}") from None
    except (yaml.YAMLError, RecursionError):
        raise _invalid_file(
            f"{source} is not {form}: it holds characters or nesting that {form} does not know. {ADVICE}"
        ) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # PyYAML's, for `!!bool maybe`
        raise _invalid_file(
            f"{source} is not {form}: it holds a value that does not fit its type, or a number of thousands of digits. "
            f"{ADVICE}"
        ) from None
    if not isinstance(content, Mapping):
        what = "is empty" if content is None else "holds no request"
        raise _invalid_file(f"{source} {what}: it should hold `name: value` lines, as the example in the README does")
    if form == "JSON" or isinstance(
        content.get("products"), list
    ):  # what a form has made holds null for what nobody opened
        return content
    return {key: {} if value is None and key in PRODUCTS_BY_NAME else value for key, value in content.items()}


def _reason(text: str | None, *, quote: bool) -> str:
    return f": {text}" if quote else ""


def decode_text(data: bytes) -> str:
    """Return a file's text, without the byte-order mark with which some editors begin it."""
    encoding = next((name for mark, name in ENCODINGS.items() if data.startswith(mark)), "utf-8")
    return data.decode(encoding).removeprefix("\ufeff")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_reject_duplicates)


def _read_yaml(text: str) -> Any:
    return yaml.load(text, RequestLoader)  # noqa: S506 - it is a SafeLoader


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    for name in content:
        if sum(name == other for other, _ in pairs) > 1:
            raise json.JSONDecodeError(f"{name} is given twice", "", 0)
    return content


def _invalid_file(problem: str) -> InvalidRequest:
    return InvalidRequest([problem])
