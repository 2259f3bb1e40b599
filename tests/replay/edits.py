"""A change of a file as search-and-replace, as a model would write it, made by the tool `Edit`.

Derives and applies; judges nothing.
"""

import difflib
from dataclasses import dataclass

from executor.workspace.text import Text, decode
from tests.executor.tools.world import World
from tests.replay.history import FileChange

EDITS_OF_A_CALL = 100
_CONTEXT_MAX = 200
"""Lines on either side that make a passage unique; a file that needs more repeats itself."""


@dataclass(frozen=True)
class Inexpressible:
    """Why a change is none that `Edit` is for."""

    why: str


async def by_edits(world: World, change: FileChange) -> bytes | Inexpressible:
    """The file's bytes after the change was made by ReadFile and Edit."""
    edits = edits_of(change)
    if isinstance(edits, Inexpressible):
        return edits
    path = world.file(change.path, change.before or b"")
    await world.run("ReadFile", file_path=change.path)
    for start in range(0, len(edits), EDITS_OF_A_CALL):
        first, *further = (
            {"old_string": old, "new_string": new}
            for old, new in edits[start : start + EDITS_OF_A_CALL]
        )
        await world.run("Edit", file_path=change.path, **first, edits=further)
    after = path.read_bytes()
    path.unlink()
    return after


def edits_of(change: FileChange) -> list[tuple[str, str]] | Inexpressible:
    """Pairs of old and new, each unique in what those before it leave."""
    if change.before is None or change.after is None:
        return Inexpressible("created or deleted")
    before, after = decode(change.before), decode(change.after)
    if before is None or after is None:
        return Inexpressible("binary")
    if not before.text:
        return Inexpressible("empty before")
    if form(before) != form(after) or "mixed" in before.peculiarities:
        return Inexpressible("another encoding or other line endings")
    return _derived(lines_of(before), lines_of(after))


def form(text: Text) -> tuple[str, bytes, str]:
    """Codec, byte order mark and line ending."""
    return text.codec, text.bom, text.ending if "\n" in text.text or "\r" in text.text else ""


def lines_of(text: Text) -> list[str]:
    """As a model sees them: with line feeds."""
    unified = text.text.replace("\r\n", "\n")
    if text.ending == "\r":
        unified = unified.replace("\r", "\n")
    lines = [f"{line}\n" for line in unified.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _derived(old: list[str], new: list[str]) -> list[tuple[str, str]] | Inexpressible:
    edits: list[tuple[str, str]] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            continue
        # What the edits so far have made: the new lines above, the old ones from here on.
        edit = _unique(new[:k], old[i:], j - i, new[k:m])
        if edit is None:
            return Inexpressible("repeats itself too much")
        edits.append(edit)
    return edits


def _unique(
    above: list[str], below: list[str], length: int, replacement: list[str]
) -> tuple[str, str] | None:
    """Old and new text for the first `length` lines of `below`, with the context that it takes."""
    text = "".join((*above, *below))
    at = sum(map(len, above))
    for context in range(_CONTEXT_MAX):
        head = above[max(0, len(above) - context) :]
        tail = below[length : length + context]
        passage = "".join((*head, *below[:length], *tail))
        start = at - sum(map(len, head))
        if passage and text.find(passage) == start and text.find(passage, start + 1) < 0:
            return passage, "".join((*head, *replacement, *tail))
    return None
