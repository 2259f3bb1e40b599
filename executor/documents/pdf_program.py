"""Take the text of a PDF's pages out of it; run as a program, so that it can be killed.

A document may be made so that reading it takes for ever or all memory. Knows nothing of results as
a model sees them.

The program runs in the project's root. Its one argument is a Request as JSON; it writes Reports as
JSON, one a line: a Document, its Pages, a Done; or a Problem.
"""

import io
import logging
import os
import resource
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pypdf
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from executor.documents.pdf_reports import Document, Done, Page, Problem, Report, Request
from executor.errors import ToolFailure
from executor.workspace.workspace import Workspace

MEMORY_MAX = 1024 * 1024 * 1024
CPU_SECONDS = 30
PAGE_MAX = 100_000
"""Characters of one page."""

_BROKEN = (
    PyPdfError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What the library raises over a document that is not as it should be."""


def main() -> None:
    """Answer the request in the program's first argument."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    logging.disable()  # the library tells of every oddity
    request = msgspec.json.decode(sys.argv[1], type=Request)
    for report in reports(Workspace(Path.cwd()), request):
        os.write(1, msgspec.json.encode(report) + b"\n")


def reports(workspace: Workspace, request: Request) -> Iterator[Report]:
    """What the document holds on the pages that are asked for."""
    try:
        found = workspace.read(request.path)
    except ToolFailure as failure:
        yield Problem(failure.message)
        return
    if found.digest != request.digest:
        yield Problem("it is being changed by somebody else; try again")
        return
    try:
        document = pypdf.PdfReader(io.BytesIO(found.content))
        count = len(document.pages)
    except (DependencyError, FileNotDecryptedError):
        yield Problem("it is encrypted, and opens with a password only")
        return
    except _BROKEN:
        yield Problem("it is damaged, or not made by the rules")
        return
    yield Document(count)
    last = min(count, request.last or count, request.first + request.pages_max - 1)
    for number in range(request.first, last + 1):
        yield _page(document, number)
    yield Done()


def _page(document: pypdf.PdfReader, number: int) -> Page:
    try:
        text = document.pages[number - 1].extract_text()
    except _BROKEN:
        return Page(number, "", damaged=True)
    # Lone surrogates and NULs come out of odd fonts.
    sound = text[:PAGE_MAX].encode("utf-8", "replace").decode().replace("\0", "")
    return Page(number, sound, left_out=max(0, len(text) - PAGE_MAX))


if __name__ == "__main__":
    main()
