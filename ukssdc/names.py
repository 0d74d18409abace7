"""Targets' names as the service repeats them: made readable, and compared with those that were sent.

The service may escape a name, remove characters from it, shorten it or leave it out (protocol, section 7).
"""

from __future__ import annotations

import html
import re
import unicodedata
from enum import IntEnum
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

UNNAMED = "unnamed"
MAX_NUMBER = 10**15  # as a name
MAX_ESCAPES = 5  # how often a name may have been escaped on its way
MIN_SHORTENED = 3  # letters and digits of a shortened name
SIGNS = {"+": "+", "-": "-", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-"}
BURST = re.compile(r"\s*(GRB|XRF|XRR)", re.IGNORECASE)  # targets whose time is that since the trigger


class NameMatch(IntEnum):
    """How well a name that the service repeats fits the one that was sent; the lower, the better."""

    EXACT = 0  # after undoing escapes; blanks and capitals don't count
    LETTERS = 1  # the same letters and digits
    SHORTENED = 2  # the beginning of the name, or no name at all


class _Letters(NamedTuple):
    """A name's letters and digits, the sign before each of them, and the sign after the last."""

    text: str
    signs: tuple[str, ...]
    last_sign: str


def readable_name(name: Any) -> str:
    """Return a name as the service gives it without escapes and control characters; empty where there is none."""
    is_number = isinstance(name, (int, float)) and abs(name) < MAX_NUMBER
    given = str(name) if isinstance(name, str) or is_number else ""
    text = _unescaped(given)
    text = given if "@" in text and "@" not in given else text  # never uncover an e-mail address
    return " ".join("".join(char if _is_visible(char) else " " for char in text).split())


def is_burst(name: str) -> bool:
    """Tell whether a target is a burst, whose time is that since the trigger."""
    return BURST.match(name) is not None


def match_names(sent: str, repeated: str) -> NameMatch | None:
    """Tell how well the name that the service repeats fits the one that was sent; None for another target's."""
    given = _forms(repeated)
    if _spelling(sent) in {_spelling(form) for form in given}:
        return NameMatch.EXACT
    found = [_letters(form) for form in given]
    if not any(letters.text for letters in found):
        return NameMatch.SHORTENED
    whole = [_letters(form) for form in _changed_forms(sent)]
    pairs = [(a, b) for a in whole for b in found if b.text and a.text.startswith(b.text) and _signs_agree(a, b)]
    if any(a.text == b.text for a, b in pairs):
        return NameMatch.LETTERS
    return NameMatch.SHORTENED if any(len(b.text) >= MIN_SHORTENED for _, b in pairs) else None


def _unescaped(text: str) -> str:
    for _ in range(MAX_ESCAPES):
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    return text


def _is_visible(char: str) -> bool:
    return unicodedata.category(char)[0] != "C"


def _forms(repeated: str) -> set[str]:
    """Return what a repeated name may stand for: as HTML, URLs, JSON or PHP escape it, or in a wrong encoding."""
    forms = {repeated, readable_name(repeated)}
    for text in tuple(forms):
        if re.search("%[0-9A-Fa-f]{2}", text):
            forms |= {unquote(text), unquote_plus(text)}
        if "\\" in text:
            plain = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda code: chr(int(code[1], 16)), text)
            forms.add(re.sub(r"\\(.)", r"\1", plain))
        for encoding in ("latin-1", "cp1252"):
            try:
                forms.add(text.encode(encoding).decode())
            except UnicodeError:
                continue
    return forms


def _changed_forms(sent: str) -> set[str]:
    """Return a name that was sent, and what is left of it where characters are removed from it, escaped or not."""
    escaped = html.escape(sent)
    apostrophes = {escaped.replace("&#x27;", other) for other in ("&#x27;", "&#039;", "&#39;", "&apos;")}
    return {sent, *apostrophes, sent.encode("ascii", "ignore").decode()}


def _spelling(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def _letters(name: str) -> _Letters:
    text, signs, sign = "", [], ""
    for char in unicodedata.normalize("NFKD", name).casefold():
        if char.isalnum():
            text += char
            signs.append(sign)
            sign = ""
        else:
            sign = SIGNS.get(char, sign)
    return _Letters(text, tuple(signs), sign)


def _signs_agree(whole: _Letters, part: _Letters) -> bool:
    """Tell whether no digit has different signs before it: J1810+197 is not J1810-197, but may be J1810 197."""
    signs = (*part.signs, part.last_sign)
    return not any(
        char.isdigit() and a and b and a != b for char, a, b in zip(whole.text, whole.signs, signs, strict=False)
    )
