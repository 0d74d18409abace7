"""Prefect's form for a run, filled in as a person does: what is looked for is a label, and what is used is visible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

TIMEOUT = 30_000  # ms
READING = 500  # ms; nobody presses a button before the form has filled itself in


@dataclass(frozen=True)
class Widgets:
    """Where Prefect's UI is, and how to find the parts of a field in it; each locator is relative to the field."""

    path: str
    field: str
    chooser: str
    option: str
    tab: str


UIS = {
    "V1": Widgets(
        path="",
        field="xpath=ancestor::div[contains(concat(' ', @class, ' '), ' schema-form-property ')][1]",
        chooser=".p-select-button__control",
        option=".p-select-option__text",
        tab=".p-button-group button",
    ),
    "V2": Widgets(
        path="/v2",
        field="xpath=ancestor::div[contains(concat(' ', @class, ' '), ' group ')][1]",
        chooser="button[aria-haspopup=listbox]",
        option="[role=option]",
        tab="[role=tab]",
    ),
}


class Form:
    """The form of a deployment, in one of Prefect's two UIs.

    Parameters
    ----------
    page : Page
    address : str
        Prefect's server, without `/api`.
    ui : str
        "V1" or "V2".
    deployment : str
        Its id.
    first : str, optional
        Its first field.
    """

    def __init__(self, page: Page, address: str, ui: str, deployment: str, first: str = "request") -> None:
        self._page = page
        self._ui = UIS[ui]
        self._address = f"{address}{self._ui.path}"
        page.goto(f"{self._address}/deployments/deployment/{deployment}/run")
        expect(page.get_by_role("button", name="Submit")).to_be_visible(timeout=TIMEOUT)
        expect(self.field(first)).to_be_visible(timeout=TIMEOUT)
        page.wait_for_timeout(READING)

    def field(self, label: str, within: Locator | None = None) -> Locator:
        """Return the field with this label; the first one, or that of a section."""
        named = re.compile(rf"^\s*{re.escape(label)}( \(Optional\))?\s*$")
        found = (within or self._page).locator("label").filter(has_text=named)
        return found.first.locator(self._ui.field)

    def section(self, name: str) -> Locator:
        """Open a product's section."""
        section = self.field(name)
        self.tab(section, name)
        return section

    def tab(self, field: Locator, name: str) -> None:
        """Choose a tab of a field."""
        field.locator(self._ui.tab).filter(has_text=re.compile(rf"^\s*{re.escape(name)}\s*$")).first.click()

    def write(self, values: dict[str, object], within: Locator | None = None) -> None:
        """Type values into fields."""
        for label, value in values.items():
            self.field(label, within).locator("textarea, input").first.fill(str(value))

    def choose(self, values: dict[str, object], within: Locator | None = None) -> None:
        """Choose values from lists."""
        for label, value in values.items():
            self.choose_all(label, [str(value)], within)

    def choose_all(self, label: str, values: Iterable[str], within: Locator | None = None) -> None:
        """Choose several values from a list."""
        chooser = self.field(label, within).locator(self._ui.chooser).first
        chooser.click()
        self._page.keyboard.press("ArrowDown")  # V1 shows the list only now, or again
        for value in values:
            option = self._page.locator(f"{self._ui.option}:visible")
            option = option.filter(has_text=re.compile(rf"^\s*{re.escape(value)}\s*$"))
            option.first.click()
        self._page.keyboard.press("Escape")
        self._page.get_by_text("Parameters", exact=True).first.click()  # elsewhere: closes what is still open

    def submit(self) -> None:
        """Press the button."""
        self._page.get_by_role("button", name="Submit").click()

    def open_run(self, run: str) -> None:
        """Open the page of a flow run."""
        self._page.goto(f"{self._address}/runs/flow-run/{run}")
