"""Other people's flows: they ask for products as one of their steps."""

from typing import Any

from prefect import flow, task, unmapped
from prefect.deployments import run_deployment

from ukssdc import ProductRequest
from xrt_products import JobReport, ProductsFailed, request_products


@flow(name="follow up")
def follow_up(request: dict[str, Any], interval: float) -> None:
    """Ask for the products of a request."""
    request_products(ProductRequest.model_validate(request), interval=interval, quicklook=False)


@task(name="products of one")
def products_of_one(request: dict[str, Any], options: dict[str, Any]) -> JobReport:
    """Ask for the products of one request."""
    report: JobReport = request_products(ProductRequest.model_validate(request), **options)
    return report


@flow(name="products of all")
def products_of(requests: list[dict[str, Any]], options: dict[str, Any]) -> list[JobReport]:
    """Ask for the products of all requests at once, wherever the flow's task runner has its tasks run."""
    return products_of_one.map(requests, options=unmapped(options)).result()


@flow(name="waits for a deployment")
def waits_for_a_deployment(deployment: str, request: dict[str, Any]) -> dict[str, Any]:
    """Have a deployment's run carried out elsewhere, and say what became of it."""
    run: Any = run_deployment(deployment, parameters={"request": request, "interval": 0.5, "quicklook": False})
    try:
        report = run.state.result()
    except ProductsFailed as failed:
        return {"failed": str(failed.report), "files": [str(path) for path in failed.report.files.values()]}
    return {"report": str(report), "files": [str(path) for path in report.files.values()]}
