"""The spectra of the emulator, unpacked without HTTP."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import emulated_results

from ukssdc.emulator.data.slice_archives import slice_archives


def unpack_slices(folder: Path, **changes: Any) -> Path:
    """Unpack the slices of a job into a folder, each into one of its name; return the folder."""
    for name, packed in slice_archives(emulated_results.job(**changes)).items():
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder / name.removesuffix(".tar.gz"), filter="data")
    return folder
