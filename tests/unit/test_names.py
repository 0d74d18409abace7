"""Names that the service changes: made readable, and compared with those that were sent."""

from __future__ import annotations

from typing import Any

import pytest

from ukssdc import Job, OldJob
from ukssdc.names import NameMatch, match_names, readable_name

EXACT, LETTERS, SHORTENED = NameMatch
BARNARD = "Barnard's star"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Barnard&#039;s star", BARNARD),
        ("Barnard&amp;#039;s star", BARNARD),
        ("M 82 &amp;amp; X-2", "M 82 & X-2"),
        ("&eta; Car", "η Car"),
        (" M\t82\n", "M 82"),
        ("M82&#27;]52;c;x&#7;", "M82]52;c;x"),
        ("M82\u202e\x9b\ud800", "M82"),
        ("observer&amp;#64;example.org", "observer&amp;#64;example.org"),
        ("", ""),
        (None, ""),
        (82, "82"),
    ],
)
def test_a_name_is_read_without_escapes_and_controls(given: Any, name: str) -> None:
    assert readable_name(given) == name


@pytest.mark.parametrize(
    ("sent", "repeated", "match"),
    [
        (BARNARD, "Barnard&#039;s star", EXACT),
        (BARNARD, "BARNARD&#x27;S  STAR", EXACT),
        (BARNARD, "Barnard\\'s star", EXACT),
        (BARNARD, "Barnard%27s%20star", EXACT),
        (BARNARD, "Barnard%27s+star", EXACT),
        (BARNARD, "Barnard\\u0027s star", EXACT),
        ("η Car", "&#951; Car", EXACT),
        ("η Car", "η Car".encode().decode("latin-1"), EXACT),
        ("Nova Mu\u0161cae", "Nova Mus\u030ccae", EXACT),
        (BARNARD, "Barnards star", LETTERS),
        (BARNARD, "Barnard s star", LETTERS),
        (BARNARD, "Barnard#039s star", LETTERS),
        (BARNARD, "Barnard_039_s_star", LETTERS),
        ("M 82 & X-2", "M 82 amp X-2", LETTERS),
        ("M 82 & X-2", "M82X2", LETTERS),
        ("η Car", "? Car", LETTERS),
        ("XTE J1810-197", "XTE J1810 197", LETTERS),
        ("XTE J1810+197", "XTE J1810 197", LETTERS),
        ("XTE J1810\u2212197", "XTE J1810-197", LETTERS),
        (BARNARD, "Barnard", SHORTENED),
        (BARNARD, "Barnard&#03", SHORTENED),
        (BARNARD, "Barnard&#039;s...", SHORTENED),
        (BARNARD, "", SHORTENED),
        (BARNARD, "???", SHORTENED),
        ("XTE J1810-197", "XTE J1810", SHORTENED),
        ("XTE J1810-197", "XTE J1810-1", SHORTENED),
        ("XTE J1810+197", "XTE J1810-197", None),
        ("XTE J1810-197", "XTE J1810%2B197", None),
        ("XTE J1810+197", "XTE J1810-19", None),
        ("XTE J1810+197", "XTE J1810-", None),
        ("XTE J1810-197", "XTE J1810+ 197", None),
        ("M 82", "M 81", None),
        ("M 82", "M 82 X-1", None),
        ("M 82", "M", None),
        (BARNARD, "Banard", None),
    ],
)
def test_names_are_compared_in_ranks(sent: str, repeated: str, match: NameMatch | None) -> None:
    assert match_names(sent, repeated) is match


@pytest.mark.parametrize(
    ("pars", "name"),
    [
        ({"name": "Barnard&#039;s star"}, BARNARD),
        ({"name": " "}, "unnamed"),
        ({"name": None}, "unnamed"),
        ({}, "unnamed"),
    ],
)
def test_a_job_that_is_taken_up_has_a_readable_name(pars: dict[str, Any], name: str) -> None:
    answer = {"oldJob": 951, "URL": "http://127.0.0.1/951", "jobPars": {"lc": 1, **pars}}

    assert Job.from_wire(answer, id_key="oldJob", at="http://127.0.0.1").name == name


@pytest.mark.parametrize("name", [{}, {"Name": None}, {"Name": "&nbsp;"}])
def test_a_job_without_a_name_in_the_list_has_none(name: dict[str, Any]) -> None:
    old = OldJob.from_wire({"JobID": 951, **name})

    assert old is not None
    assert old.name == ""
