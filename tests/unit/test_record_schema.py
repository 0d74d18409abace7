"""The JSON schema in the repository is the one of the records that are written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from ukssdc import Job, Product
from ukssdc.record import JobFolder, RecordedFile
from ukssdc.record.schema import PATH, job_schema

JOB = Job(job_id=951, url="https://example.org/USERPROD_951", name="GRB 200416A", products=tuple(Product))
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Any]:
    """Return a record that has everything in it, as it is on disk."""
    with JobFolder(tmp_path, JOB).open() as record:
        record.submitted = record.last_poll = AT
        record.request = {"name": "GRB 200416A", "T0": 608692802.5}
        record.software = {"prefect": "3.8.7"}
        record.note_status(Product.Image, 4, "Complete", AT)
        record.files[Product.Image] = RecordedFile(name="image.tar.gz", bytes=1234, sha256="0" * 64, at=AT)
        record.outcomes[Product.Image] = "downloaded"
    content: dict[str, Any] = json.loads((tmp_path / "job.json").read_bytes())
    return content


@pytest.fixture
def validator() -> Draft202012Validator:
    """Return what holds a record against the schema in the repository."""
    schema = json.loads(PATH.read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_schema_in_the_repository_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == job_schema(), "run `make schema`"


def test_a_written_record_follows_the_schema(validator: Draft202012Validator, written: dict[str, Any]) -> None:
    validator.validate(written)

    assert set(written) == set(json.loads(PATH.read_bytes())["properties"])


def test_a_record_that_was_just_begun_follows_the_schema(validator: Draft202012Validator, tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open():
        pass

    content = json.loads((tmp_path / "job.json").read_bytes())
    validator.validate(content)

    assert content["submitted"] is None


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"job_id": "951"}, {"products": ["Poster"]}, {"files": {"Image": {"name": "x"}}}]
)
def test_what_is_no_record_does_not_follow_the_schema(
    validator: Draft202012Validator, written: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        validator.validate(written | change)
