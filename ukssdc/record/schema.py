"""The JSON schema of job.json: `python -m ukssdc.record.schema` writes it anew, beside this file."""

from __future__ import annotations

import json
from pathlib import Path

from ukssdc.record.record import NAME, JobRecord

PATH = Path(__file__).with_name("job.schema.json")


def job_schema() -> str:
    """Return the schema (JSON Schema, draft 2020-12) as text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **JobRecord.model_json_schema()}
    schema["title"] = f"{NAME}: what is known of a job"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(job_schema(), encoding="utf-8")
