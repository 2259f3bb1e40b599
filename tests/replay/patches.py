"""A change of a file as a patch, as a model would write it, made by the tool `ApplyPatch`.

Derives and applies; judges nothing.
"""

import difflib
from collections.abc import Iterator

from executor.workspace.text import Text, decode
from tests.executor.tools.world import World
from tests.replay.edits import Inexpressible, form, lines_of
from tests.replay.history import FileChange

_CONTEXT = 3
_NO_ENDING = "\\ No newline at end of file"


async def by_patch(world: World, change: FileChange) -> bytes | Inexpressible | None:
    """The file's bytes after the change was made by ApplyPatch; None where it deleted the file."""
    body = patch_of(change)
    if isinstance(body, Inexpressible):
        return body
    if change.before is not None:
        world.file(change.path, change.before)
    patch = "\n".join(("*** Begin Patch", *body, "*** End Patch"))
    await world.run("ApplyPatch", patch=patch)
    path = world.root / change.path
    if not path.exists():
        return None
    after = path.read_bytes()
    path.unlink()
    return after


def patch_of(change: FileChange) -> list[str] | Inexpressible:
    """The lines of the one section that makes the change."""
    if change.after is None:
        return [f"*** Delete File: {change.path}"]
    after = decode(change.after)
    if after is None:
        return Inexpressible("binary")
    if change.before is None:
        if form(after)[1:] not in ((b"", "\n"), (b"", "")) or "mixed" in after.peculiarities:
            return Inexpressible("created with other line endings or a byte order mark")
        if after.codec != "utf-8":
            return Inexpressible("created in another encoding")
        return [f"*** Add File: {change.path}", *_marked("+", lines_of(after))]
    before = decode(change.before)
    if before is None:
        return Inexpressible("binary")
    old, new = lines_of(before), lines_of(after)
    if old == new or (old and form(before) != form(after)) or "mixed" in before.peculiarities:
        return Inexpressible("another encoding or other line endings")
    if not old and form(after) != form(Text("x\n")):
        return Inexpressible("another encoding or other line endings")
    if any(line.rstrip("\n").endswith("\r") for line in (*old, *new)):
        return Inexpressible("carriage returns inside of lines")
    return [f"*** Update File: {change.path}", *_hunks(old, new)]


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, old, new)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        passage = old[first[1] : last[2]]
        if passage and _places(old, passage) == 1:
            yield "@@"
        else:  # as a unified diff has it: the number decides between equal places
            start, stop = first[3], last[4]
            at = first[1] + 1 if passage else first[1]
            yield f"@@ -{at},{len(passage)} +{start + 1},{stop - start} @@"
        for tag, i, j, k, m in group:
            if tag == "equal":
                yield from _marked(" ", old[i:j])
            else:
                yield from _marked("-", old[i:j])
                yield from _marked("+", new[k:m])


def _places(lines: list[str], passage: list[str]) -> int:
    length = len(passage)
    bare = [line.rstrip("\n") for line in passage]
    held = [line.rstrip("\n") for line in lines]
    return sum(held[at : at + length] == bare for at in range(len(held) - length + 1))


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line.removesuffix(chr(10))}"
        if not line.endswith("\n"):
            yield _NO_ENDING
