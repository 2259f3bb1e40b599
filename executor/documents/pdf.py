"""A PDF document as text by page, read by a process of its own that is ended if it takes too long.

Knows neither the format nor the library that reads it.
"""

from collections.abc import Iterator

import msgspec

from executor.documents.pages import PAGES_MAX, Pages
from executor.documents.pdf_reports import Document, Done, Page, Problem, Report, Request
from executor.process.command import Ended, TimedOut
from executor.process.own_program import own_program
from executor.process.processes import Processes
from executor.workspace import FileBytes, Workspace

SECONDS = 20.0
_OUTPUT_MAX = 4 * 1024 * 1024
_REPORT: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)


class PdfText(msgspec.Struct, frozen=True):
    """The pages that were asked for, and in `note` what is left to say of the others."""

    text: str
    note: str


class Unreadable(msgspec.Struct, frozen=True):
    """Why there is no text, to follow `because`."""

    why: str


async def pdf_text(
    found: FileBytes, pages: Pages, workspace: Workspace, processes: Processes, call: str
) -> PdfText | Unreadable:
    """The text of `pages` of the document `found`, at most PAGES_MAX of them."""
    request = Request(found.shown, found.digest, pages.first, pages.last, PAGES_MAX)
    with workspace.folder(".") as root:
        ended = await processes.run(
            own_program(
                "executor.documents.pdf_program",
                request,
                folder=root,
                call=call,
                timeout_s=SECONDS,
                output_max=_OUTPUT_MAX,
            )
        )
    return _read(ended, pages)


def _read(ended: Ended, asked: Pages) -> PdfText | Unreadable:
    count = 0
    shown: list[Page] = []
    whole = False
    for report in _reports(ended.output.head):
        match report:
            case Problem(why=why):
                return Unreadable(why)
            case Document(pages=pages):
                count = pages
            case Page():
                shown.append(report)
            case Done():
                whole = True
    if not shown and whole:
        return Unreadable(f"it has {count:,} pages, and none of them is among those asked for")
    if not shown:
        return Unreadable(_why_ended(ended))
    text = "\n".join(row for page in shown for row in _rows(page, count)) + "\n"
    return PdfText(text, _note(shown[-1].number, count, asked, "" if whole else _why_ended(ended)))


def _reports(output: bytes) -> Iterator[Report]:
    for line in output.splitlines():
        try:
            yield _REPORT.decode(line)
        except msgspec.DecodeError:
            return  # the line on which the program was ended, or the output cut


def _why_ended(ended: Ended) -> str:
    if isinstance(ended.outcome, TimedOut):
        return f"reading it took more than {SECONDS:g} s"
    return "reading it takes too much memory, or it is damaged"


def _rows(page: Page, count: int) -> Iterator[str]:
    yield f"[page {page.number:,} of {count:,}]"
    if page.damaged:
        yield "[this page can't be read]"
    elif not page.text.strip():
        yield "[no text on this page: a picture, perhaps a scan]"
    else:
        yield from page.text.splitlines()
    if page.left_out:
        yield f"[{page.left_out:,} more characters on this page]"


def _note(last: int, count: int, asked: Pages, ended: str) -> str:
    wanted = min(count, asked.last or count)
    if last >= wanted:
        return ended
    more = f"page {last:,} is the last one shown of {count:,}; pages '{last + 1}-' goes on"
    return f"{ended}; {more}" if ended else more
