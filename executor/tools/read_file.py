"""`ReadFile`: the lines of a text file, numbered; an image; the text of a document.

Tells other binary files by kind, size and hash; finding the place is `Grep`'s work.
"""

import base64

from executor.documents.images import IMAGE_KINDS, Image, image
from executor.documents.notebook import notebook_text
from executor.documents.pages import pages_of
from executor.documents.pdf import PdfText, pdf_text
from executor.errors import ToolFailure
from executor.tool_context import ToolContext, ToolOutcome
from executor.workspace import FileBytes
from executor.workspace.numbered import counted, cut_line
from executor.workspace.text import UNKNOWN_TEXT, Text, decode, kind_of_binary, lines_of
from executor.workspace.waiting import in_thread
from protocol.from_executor import ResultMetadata
from protocol.tools import read_file
from protocol.tools.contract import ToolContract
from protocol.wire import ImageContent

RESULT_MAX = 100_000
"""Characters of one result; where it is reached, the rest is for another call."""
IMAGE_MAX = 3_000_000
"""Bytes of an image: as Base64, with the rest of the result, it fits a frame of 4 MiB."""
IMAGE_SIDE_MAX = 8000
"""Pixels; beyond, providers refuse the whole request."""
_NOTEBOOK = "a notebook, shown as its cells; Edit sees its JSON, which raw shows"


class ReadFileTool:
    """Reads a file whole, notes its digest, and returns the part that was asked for."""

    contract: ToolContract = read_file.CONTRACT

    async def run(self, parameters: read_file.ReadFile, context: ToolContext) -> ToolOutcome:
        found = await in_thread(lambda: context.workspace.read(parameters.file_path))
        context.reads.note(found.shown, found.digest)
        if found.content.startswith(b"%PDF-"):
            return await _pdf(found, parameters, context)
        return await in_thread(lambda: _shown(found, parameters))


def _shown(found: FileBytes, parameters: read_file.ReadFile) -> ToolOutcome:
    picture = image(found.content)
    if picture is not None:
        return _image(found, picture)
    text = decode(found.content)
    if text is None:
        return ToolOutcome(_binary(found), metadata=_metadata(found, truncated=False))
    if found.shown.endswith(".ipynb") and not parameters.raw:
        cells = notebook_text(text.text)
        if cells is not None:
            return _lines(found, Text(cells), parameters, _NOTEBOOK)
    return _lines(found, text, parameters, text.peculiarities)


def _binary(found: FileBytes) -> str:
    kind = kind_of_binary(found.content)
    told = f"[{found.shown} is a binary file: {_kind(found, kind)}]"
    if kind == UNKNOWN_TEXT:
        told += "\n[if it is text: iconv -f ENCODING -t UTF-8 in Shell shows it]"
    elif kind.removesuffix(" image") in IMAGE_KINDS:
        told += "\n[not shown, because its structure is broken: it may be cut off]"
    return told


def _kind(found: FileBytes, kind: str) -> str:
    return f"{kind}, {len(found.content):,} bytes, SHA-256 {found.digest}"


def _metadata(found: FileBytes, *, truncated: bool) -> ResultMetadata:
    return ResultMetadata(truncated=truncated, total_bytes=len(found.content))


def _image(found: FileBytes, picture: Image) -> ToolOutcome:
    told = _kind(found, f"{picture.kind} image, {picture.width:,} x {picture.height:,} pixels")
    metadata = _metadata(found, truncated=False)
    if len(found.content) > IMAGE_MAX or max(picture.width, picture.height) > IMAGE_SIDE_MAX:
        return ToolOutcome(
            f"[{found.shown}: {told}. It is too large to be shown: at most {IMAGE_MAX:,} bytes and "
            f"{IMAGE_SIDE_MAX:,} pixels a side; make a smaller copy of it to look at]",
            metadata=metadata,
        )
    shown = ImageContent(picture.media_type, base64.b64encode(found.content).decode())
    return ToolOutcome(f"[{found.shown}: {told}]", content=(shown,), metadata=metadata)


async def _pdf(
    found: FileBytes, parameters: read_file.ReadFile, context: ToolContext
) -> ToolOutcome:
    pages = pages_of(parameters.pages)
    if pages is None:
        raise ToolFailure(
            "invalid_parameters", f"pages {parameters.pages!r} is none of '3', '2-5', '7-'."
        )
    read = await pdf_text(found, pages, context.workspace, context.processes, context.tool_id)
    if isinstance(read, PdfText):
        return _lines(found, Text(read.text), parameters, read.note)
    told = f"{_binary(found)}\n[its text can't be shown because {read.why}]"
    return ToolOutcome(told, metadata=_metadata(found, truncated=False))


def _lines(found: FileBytes, text: Text, parameters: read_file.ReadFile, note: str) -> ToolOutcome:
    """The numbered lines, with `note` and what else there is to say at their end."""
    offset, limit = parameters.offset, parameters.limit
    lines = lines_of(text.text)
    if not lines:
        return ToolOutcome("[the file is empty]", metadata=_metadata(found, truncated=False))
    if offset > len(lines):
        past = f"[the file has {counted(len(lines), 'line')}: offset {offset:,} is past its end]"
        return ToolOutcome(past, metadata=_metadata(found, truncated=False))
    shown: list[str] = []
    room = RESULT_MAX
    for number, line in enumerate(lines[offset - 1 : offset - 1 + limit], start=offset):
        row = f"{number:>6}\t{cut_line(line)}"
        room -= len(row) + 1
        if room < 0 and shown:
            break
        shown.append(row)
    last = offset - 1 + len(shown)
    notes = [note] if note else []
    if last < len(lines):
        notes.append(f"lines {offset:,} to {last:,} of {len(lines):,}; offset {last + 1} goes on")
    elif not text.text.endswith("\r" if text.ending == "\r" else "\n"):
        notes.append("no line ending at the end")
    if notes:
        shown.append(f"[{'; '.join(notes)}]")
    return ToolOutcome("\n".join(shown), metadata=_metadata(found, truncated=last < len(lines)))
