"""Texts of the service are texts: what a terminal would obey, or a reader be misled by, does not get in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import http, raw_server

from ukssdc import Client, Job, Product, ProtocolError, ServiceError, TransportError
from ukssdc.texts import CONTROL, TextCleaner, replace_controls, shorten

EMAIL = "observer@example.org"
JOB = Job(job_id=951, url="http://127.0.0.1/x", name="GRB 200416A", products=(Product.LightCurve,))
HOSTILE = {
    "colour": "\x1b[31mred",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "title": "\x1b]0;title\x1b\\",
    "C1": "\x9b31mred \x9d52;c;x\x9c",
    "bell and backspace": "a\x07\x08\x08b",
    "carriage return": "Complete\rFailed",
    "right to left": "\u202egpj.exe",
    "isolates": "\u2066a\u2069 \u061cb \u200fc",
    "invisible": "a\u200bb\ufeffc\u2060d",
    "tags": "\U000e0041\U000e0042",
    "line separator": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "null": "a\x00b",
    "half a character": "\ud83d",
}
PLAIN = ["Running", "tab\tand\nline", "η Car", "Barnard's star", "naïve 5″", "日本語", "🚀", "שלום", "a‍b"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_replaced_in_every_answer(text: str) -> None:
    def said(**content: object) -> bytes:
        return http(json.dumps({"OK": 1, **content}).encode())

    entry = {"statusCode": 3, "statusText": text, "progress": {"ProgressSteps": [{"StepLabel": text}], text: 1}}
    with raw_server(
        said(lc=entry),
        said(statusCodes={"lc": 1}, status={"lc": text}),
        said(jobs=[{"JobID": 5, "Name": text}]),
        said(URL="http://127.0.0.1/x", jobPars={"name": text, "image": 1, "targ": text}),
        said(GotPos=0, Reason=text),
        said(OK=0, ERROR=text, listErr=[{"label": text, "list": [text]}]),
    ) as url:
        client = Client(EMAIL, url)
        answers = [
            client.status(JOB)[Product.LightCurve].model_dump_json(),
            client.cancel(JOB).model_dump_json(),
            client.jobs()[0].name,
            client.attach(951).model_dump_json(),
            str(client.standard_position(JOB)),
        ]
        with pytest.raises(ServiceError) as raised:
            client.count_active_jobs()

    texts = [*map(_unescaped, answers), str(raised.value), *raised.value.errors]
    assert [found for shown in texts for found in CONTROL.findall(shown)] == []
    assert "\r" not in "".join(texts)


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b31m", "Bad\x07", "\x85"])
def test_hostile_reasons_and_pages_are_replaced_in_errors(text: str) -> None:
    with raw_server(http(b"", f"502 {text}"), http(text.encode())) as url:
        with pytest.raises(TransportError) as reason:
            Client(EMAIL, url).count_active_jobs()
        with pytest.raises(ProtocolError) as page:
            Client(EMAIL, url).count_active_jobs()

    assert CONTROL.findall(str(reason.value) + str(page.value) + page.value.start) == []


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert replace_controls(text) == text
    assert TextCleaner(EMAIL, "<you>")(text) == text


@given(text=st.text())
def test_a_clean_text_can_be_written_and_is_clean(text: str) -> None:
    clean = TextCleaner(EMAIL, "<you>")(text + EMAIL)

    clean.encode()
    assert CONTROL.findall(clean) == []
    assert EMAIL not in clean
    assert TextCleaner(EMAIL, "<you>")(clean) == clean


@given(text=st.text(max_size=50), length=st.integers(1, 50))
def test_a_shortened_text_is_no_longer_than_that(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= length
    assert shorten(text, len(text) + 1) == text


def _unescaped(shown: str) -> str:
    """Undo JSON's escapes, which would hide a control character."""
    return "".join(map(str, _leaves(json.loads(shown)))) if shown.startswith("{") else shown


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in (key, *_leaves(item))]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]
