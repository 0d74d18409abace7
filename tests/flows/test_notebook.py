"""docs/notebook.ipynb in a kernel, which has a running event loop: every cell runs, and shows what it is to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
TIMEOUT = 120  # s for a cell


class Watched(nbclient.NotebookClient):
    """Runs a notebook, and notes each state of what is drawn anew."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.frames: list[str] = []

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == "update_display_data":
            self.frames.append(msg["content"]["data"].get("text/html", ""))
        return super().process_message(msg, cell, cell_index)


def texts(cell: Any, form: str) -> list[str]:
    """Return what a cell shows in a form, in its last state."""
    return [output.data[form] for output in cell.outputs if form in output.get("data", {})]


@pytest.mark.long
def test_the_notebook(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prefect_api
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)

    client = Watched(notebook, timeout=TIMEOUT, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    streams = [output for cell in code for output in cell.outputs if output.output_type == "stream"]
    assert [output.text for output in streams if output.name == "stderr"] == []
    [request] = [cell for cell in code if "request_products(\n" in cell.source]
    live, report = texts(request, "text/html")
    assert "GRB 200416A, job 951" in live
    assert live.count(">downloaded<") == report.count(">downloaded<") == 3
    assert any(">Running (3)<" in frame and "next look at" in frame for frame in client.frames)
    assert len([image for cell in code for image in texts(cell, "image/png")]) == 3
    assert "observer@example.org" not in str([cell.outputs for cell in code])
