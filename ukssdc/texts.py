"""Texts from elsewhere, made safe to show and to store: control characters, too much of it, the account."""

from __future__ import annotations

import re
from html.entities import html5

MAX_TEXT = 1000  # characters of a text that is shown: a status, a name, a reason
REPLACEMENT = "\ufffd"
# What a terminal obeys, what turns or hides the text beside it, and halves of characters, which UTF-8 cannot write.
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # ESC begins the sequences of a terminal, and U+009B and U+009D do so alone
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\ud800-\udfff]"
)
PLAIN = re.compile(r"[ !-$'-?A-\[\]-~]*")  # ASCII without what an e-mail address, or a way to write one, needs: @%&\


def replace_controls(text: str) -> str:
    """Replace control characters, all but tab and line feed, and whatever else changes how a text is displayed."""
    return CONTROL.sub(REPLACEMENT, text.replace("\r\n", "\n").replace("\r", "\n"))


def shorten(text: str, length: int = MAX_TEXT) -> str:
    """Cut a text to a length, in characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


class TextCleaner:
    """Makes a text from the service safe: no control characters, and no account in whatever way it is written.

    Parameters
    ----------
    email : str
        The account.
    substitute : str
        What stands in its place.
    """

    def __init__(self, email: str, substitute: str) -> None:
        self._address = _spellings(email)
        self._substitute = substitute

    def __call__(self, text: str) -> str:
        """Return the text, safe to show and to store."""
        if PLAIN.fullmatch(text):  # nearly all of an answer: numbers
            return text
        return self._address.sub(self._substitute, replace_controls(text))


def _spellings(email: str) -> re.Pattern[str]:
    """Match an address in any case, each character plain or as URLs, HTML and JSON write it."""
    return re.compile("".join(f"(?:{'|'.join(_ways_to_write(char))})" for char in email), re.IGNORECASE)


def _ways_to_write(char: str) -> set[str]:
    ways = set() if char.isascii() else {"\ufffd{1,4}"}  # what is left of it where the answer is in another encoding
    for c in {char, char.lower(), char.upper()}:
        ways |= {rf"\\?{re.escape(c)}", "".join(f"%{byte:02x}" for byte in c.encode("utf-8", "surrogatepass"))}
        ways |= {f"&{name}" for name, text in html5.items() if text == c}
        if len(c) == 1:  # there are letters whose capital is two
            ways |= {f"&#0*{ord(c)};?", f"&#x0*{ord(c):x};?", rf"\\u{ord(c):04x}"}
    return ways
