"""What a flow returns or raises, as Prefect stores it: JSON, readable by whoever waits for the run, on any host."""

from __future__ import annotations

from typing import Any

from prefect.serializers import JSONSerializer, prefect_json_object_decoder, prefect_json_object_encoder
from prefect.utilities.importtools import from_qualified_name, to_qualified_name
from pydantic import BaseModel

from ukssdc.errors import UKSSDCError, revive
from ukssdc.outcomes import JobReport, ProductsFailed

_KEY = "__xrt_products__"


def encode(value: Any) -> Any:
    """Return what JSON knows of an object: models as their fields, errors with what they carry; the rest as Prefect."""
    if isinstance(value, ProductsFailed):
        report = value.report
        kind = to_qualified_name(type(report))  # a rebinning's and a campaign's report are of their own
        return {_KEY: "ProductsFailed", "report": report.model_dump(mode="json"), "class": kind}
    if isinstance(value, UKSSDCError):
        plain = {k: v for k, v in vars(value).items() if isinstance(v, str | int | float | tuple | None)}
        return {_KEY: to_qualified_name(type(value)), "message": str(value), "attributes": plain}
    if isinstance(value, BaseModel):
        return {"__class__": to_qualified_name(type(value)), "data": value.model_dump(mode="json")}
    return prefect_json_object_encoder(value)


def decode(value: dict[str, Any]) -> Any:
    """Return the object that `encode` made this of."""
    kind = value.get(_KEY)
    if kind is None:
        return prefect_json_object_decoder(value)
    if kind == "ProductsFailed":
        report = from_qualified_name(value["class"]) if "class" in value else JobReport
        if not (isinstance(report, type) and issubclass(report, BaseModel) and report.__module__.startswith("ukssdc.")):
            raise TypeError(f"{value['class']} is no report of this project")
        return ProductsFailed(report.model_validate(value["report"]))
    found = from_qualified_name(kind)
    if not (isinstance(found, type) and issubclass(found, UKSSDCError)):
        raise TypeError(f"{kind} is no error of this project")
    attributes = {k: tuple(v) if isinstance(v, list) else v for k, v in value["attributes"].items()}
    return revive(found, (value["message"],), attributes)


RESULTS = JSONSerializer(object_encoder=to_qualified_name(encode), object_decoder=to_qualified_name(decode))
