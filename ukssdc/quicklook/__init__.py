"""A quick look at a job's results as pictures, pages and tables.

`fetch` gets the results, `write_files` draws and writes, `artifact_page` makes one page with the pictures in it.
"""

from ukssdc.quicklook.output_files import PAGE, Files, write_files
from ukssdc.quicklook.pages import MAX_ARTIFACT_SIZE, artifact_page, page
from ukssdc.quicklook.quick_look import QuickLook, fetch

__all__ = ["MAX_ARTIFACT_SIZE", "PAGE", "Files", "QuickLook", "artifact_page", "fetch", "page", "write_files"]
