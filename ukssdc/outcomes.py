"""What became of each product, and of the job: plain models without Prefect in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from rich.filesize import decimal

from ukssdc.errors import ExtractionError, UKSSDCError
from ukssdc.job import Job
from ukssdc.notebook import ShortRepr, html_table
from ukssdc.record.folders import FAILURE_REPORT, JobFolder
from ukssdc.service import HELP_ADDRESS
from ukssdc.status import HELPDESK_CODES, Action, Product, ProductStatus, StatusCode

# A plain text, and not the member of Product: Prefect takes an object that is in a task's result and in another
# one's arguments for a dependency, and there is only one object for each member.
ProductName = Annotated[str, BeforeValidator(str)]


class _Outcome(ShortRepr, BaseModel):
    """What the outcomes share.

    Attributes
    ----------
    product : str
        The product's name; equal to the member of `Product`.
    """

    model_config = ConfigDict(frozen=True)

    product: ProductName

    @property
    def label(self) -> str:
        """The product in words: "light curve"."""
        return Product(self.product).label


class Downloaded(_Outcome):
    """The archive is on disk, whole.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    sha256 : str
        Hexadecimal.
    skipped : bool
        True where it was there already.
    extracted : Path or None
        The folder with its unpacked files, where that was asked for.
    published : str or None
        The URL of its copy, where that was asked for.
    """

    outcome: Literal["downloaded"] = "downloaded"
    path: Path
    size: int
    sha256: str
    skipped: bool = False
    extracted: Path | None = None
    published: str | None = None

    def __str__(self) -> str:
        unpacked = f", unpacked in {self.extracted}" if self.extracted else ""
        return f"{self.path} ({decimal(self.size)}){unpacked}" + (
            f", copied to {self.published}" if self.published else ""
        )


class Cancelled(_Outcome):
    """The user cancelled the product: nothing to do."""

    outcome: Literal["cancelled"] = "cancelled"
    text: str

    def __str__(self) -> str:
        return self.text


class Failed(_Outcome):
    """The product will not come, or could not be fetched or unpacked.

    Attributes
    ----------
    code : int
        Its status code.
    text : str
        What happened: the service's words, or the download's problem.
    meaning : str
        What the code means.
    advice : str
        What to do next.
    """

    outcome: Literal["failed"] = "failed"
    code: int
    text: str
    meaning: str
    advice: str

    def __str__(self) -> str:
        return f"{self.text} (code {self.code}: {self.meaning}). {self.advice}"


class TimedOut(_Outcome):
    """The product was still pending when the longest wait was over; the job goes on at the service.

    Attributes
    ----------
    code : int
        Its last status code.
    text : str
        The service's words for it.
    elapsed : float
        How long, s.
    advice : str
        How to collect it later.
    """

    outcome: Literal["timed_out"] = "timed_out"
    code: int
    text: str
    elapsed: float
    advice: str

    def __str__(self) -> str:
        return f"still pending after {self.elapsed:.0f} s ({self.text}, code {self.code}). {self.advice}"


Failure = Failed | TimedOut
Outcome = Annotated[Downloaded | Cancelled | Failed | TimedOut, Field(discriminator="outcome")]


class JobReport(ShortRepr, BaseModel):
    """The end of a request: the job, and one outcome per product.

    Attributes
    ----------
    job : Job
    outcomes : dict
        Product name -> outcome, whose `.outcome` is "downloaded", "failed", "cancelled" or "timed_out".
    directory : Path
        Where the files and `job.json` are.
    """

    model_config = ConfigDict(frozen=True)

    job: Job
    outcomes: dict[Product, Outcome]
    directory: Path

    @property
    def folder(self) -> JobFolder:
        """The job's folder, with its record."""
        return JobFolder(self.directory, self.job)

    @property
    def ok(self) -> bool:
        """True where every product was downloaded, or cancelled by the user."""
        return not self.failures

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The products that failed or timed out."""
        return tuple(o for o in self.outcomes.values() if isinstance(o, Failed | TimedOut))

    @property
    def title(self) -> str:
        """What the report is about, in words."""
        return f"job {self.job.job_id} ({self.job.name})"

    @property
    def files(self) -> dict[Product, Path]:
        """The archives that are on disk."""
        return {p: o.path for p, o in self.outcomes.items() if isinstance(o, Downloaded)}

    @property
    def failure_summary(self) -> str:
        """What failed, a line each, and where the rest is."""
        what = "".join(f"\n  - {f.product}: {f}" for f in self.failures)
        rest = "".join(
            f"{kind.capitalize()}: {', '.join(products)}. "
            for kind in ("downloaded", "cancelled")
            if (products := [p for p, o in self.outcomes.items() if o.outcome == kind])
        )
        return (
            f"{self.title}: {len(self.failures)} of {len(self.outcomes)} products failed:{what}\n"
            f"{rest}Files: {self.directory}"
        )

    def raise_for_failures(self) -> Self:
        """Return the report where everything went well.

        Raises
        ------
        ProductsFailed
            Where a product failed or timed out.
        """
        if self.failures:
            raise ProductsFailed(self)
        return self

    def __str__(self) -> str:
        return f"{self.job}: " + ", ".join(f"{p} {o.outcome.replace('_', ' ')}" for p, o in self.outcomes.items())

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("job_id", self.job.job_id), *((p, o.outcome) for p, o in self.outcomes.items())]

    def _repr_html_(self) -> str:
        rows = [(p.label, o.outcome.replace("_", " "), str(o)) for p, o in self.outcomes.items()]
        return html_table(f"{self.job.name}, job {self.job.job_id}", ("Product", "Outcome", "What came of it"), rows)


class ProductsFailed(Exception):  # noqa: N818 - the public name; it says what happened
    """At least one product failed or timed out; everything else is safely on disk.

    Attributes
    ----------
    report : JobReport or BatchReport
        The whole: what failed and what did not.
    """

    def __init__(self, report: Any) -> None:
        self.report = report
        super().__init__(report.failure_summary)

    def __reduce__(self) -> tuple[type[ProductsFailed], tuple[Any]]:
        """Let it travel between processes: its text alone would not make it anew."""
        return type(self), (self.report,)


def describe_products(texts: Mapping[str, str]) -> str:
    """Return what came of some products in a line; those of which the same is said are named together.

    Parameters
    ----------
    texts : mapping
        Product's name -> text.
    """
    groups: dict[str, list[str]] = {}
    for product, text in texts.items():
        groups.setdefault(text.replace(FAILURE_REPORT.format(product), FAILURE_REPORT.format("*")), []).append(product)
    return "; ".join(
        f"{', '.join(products)}: {text if len(products) > 1 else texts[products[0]]}"
        for text, products in groups.items()
    )


def build_failed(product: Product, status: ProductStatus) -> Failed:
    """Describe a product that the service will not build."""
    if status.status_code in HELPDESK_CODES:
        advice = (
            f"The service asks to be told at once: {FAILURE_REPORT.format(product)} in the job's folder holds an "
            f"e-mail to {HELP_ADDRESS}, ready to be sent"
        )
    elif status.action is Action.MISSING:
        advice = "Look at the job's page, and collect the job later if the product is there; otherwise request it again"
    else:
        advice = f"Request it again; if that fails as well, write to {HELP_ADDRESS}"
    return Failed(
        product=product,
        code=status.status_code,
        text=status.status_text,
        meaning=status.meaning,
        advice=advice,
    )


def download_failed(job: Job, product: Product, problem: BaseException) -> Failed:
    """Describe a product that was built but could not be fetched, or not be unpacked."""
    collect = f"xrt-products collect {job.job_id}"
    if isinstance(problem, ExtractionError):
        meaning = "complete at the service and on disk, but not unpacked"
        advice = f"When the reason is gone, unpack it: {collect} --extract"
    else:
        meaning = "complete at the service, but not on disk"
        advice = f"Fetch it later: {collect}"
    return Failed(product=product, code=StatusCode.COMPLETE, text=str(problem), meaning=meaning, advice=advice)


def publish_failed(job: Job, product: Product, problem: BaseException, url: str) -> Failed:
    """Describe a product that is on disk but could not be copied to where it is to be published."""
    return Failed(
        product=product,
        code=StatusCode.COMPLETE,
        text=str(problem),
        meaning="complete at the service and on disk, but not published",
        advice=f"When the reason is gone, copy it: xrt-products collect {job.job_id} --publish {url}",
    )


def status_unavailable(job: Job, product: Product, status: ProductStatus, problem: UKSSDCError) -> Failed:
    """Describe a product that was still pending when the service would not tell of it any more."""
    return Failed(
        product=product,
        code=status.status_code,
        text=str(problem),
        meaning=f"{status.status_text} when it was last seen" if status.status_text else "never seen",
        advice=f"Look at the job's page, {job.url}; if it goes on there: xrt-products collect {job.job_id}",
    )


def timed_out(job: Job, product: Product, status: ProductStatus, elapsed: float) -> TimedOut:
    """Describe a product that was still pending when the longest wait was over."""
    return TimedOut(
        product=product,
        code=status.status_code,
        text=status.status_text,
        elapsed=elapsed,
        advice=f"The job goes on at the service; collect it later: xrt-products collect {job.job_id}",
    )
