"""What a patch makes of a project's files as they are: everything, before anything is written.

Reads files; changes none.
"""

from collections.abc import Callable
from typing import Literal, assert_never

import msgspec

from executor.errors import ToolFailure
from executor.patch.apply import FAILURES_SHOWN, patched
from executor.patch.sections import Add, Delete, Section, Update
from executor.workspace import FileBytes, Workspace
from executor.workspace.files import MISSING
from executor.workspace.staging import Change
from executor.workspace.stale import require_seen
from executor.workspace.text import Text, decode

Seen = Callable[[str], str | None]
"""The digest of a file's bytes as the model last saw them, by its path."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One section, carried out in mind."""

    kind: Literal["created", "modified", "deleted", "moved"]
    path: str
    """Relative to the root, printable; of a move, where it goes."""
    source: str
    """Of a move, where it was; else `path`."""
    before: Text | None = None
    after: Text | None = None
    """None for a file that goes, and for one that is moved and holds no text."""
    content: bytes | None = None
    changes: tuple[Change, ...]
    known: bool = False
    """The model knows all of the file afterwards."""
    notes: tuple[str, ...] = ()


def planned(sections: tuple[Section, ...], workspace: Workspace, seen: Seen) -> list[Planned]:
    """The whole patch, or ToolFailure with what is wrong in each file."""
    plans: list[Planned] = []
    failures: list[ToolFailure] = []
    for section in sections:
        try:
            plans.append(_planned(section, workspace, seen))
        except ToolFailure as failure:
            failures.append(failure)
    if failures:
        shown = [failure.message for failure in failures[:FAILURES_SHOWN]]
        more = len(failures) - len(shown)
        shown += [f"[{more} more files have failures]"] if more else []
        words = "\n".join(("Nothing was changed, in any file.", *shown))
        raise ToolFailure(failures[0].code, words)
    _require_apart(plans)
    return plans


def _planned(section: Section, workspace: Workspace, seen: Seen) -> Planned:
    match section:
        case Add(path=path, text=text):
            return _added(path, Text(text), workspace)
        case Delete(path=path):
            return _deleted(path, workspace, seen)
        case Update():
            return _updated(section, workspace, seen)
        case _:
            assert_never(section)


def _added(path: str, after: Text, workspace: Workspace) -> Planned:
    shown = _free(path, workspace, "Use '*** Update File:' to change it.")
    content = after.encode()
    return Planned(
        kind="created",
        path=shown,
        source=shown,
        after=after,
        content=content,
        changes=(Change(path, content, MISSING),),
        known=True,
    )


def _free(path: str, workspace: Workspace, hint: str) -> str:
    """The real path that `path` would have, where nothing is."""
    found = workspace.read_if_exists(path)
    if found is not None:
        raise ToolFailure("exists", f"{found.shown} is there already. {hint}")
    return workspace.require_writable(path)


def _deleted(path: str, workspace: Workspace, seen: Seen) -> Planned:
    found = workspace.read(path)
    known = seen(found.shown)
    if known is not None:
        require_seen(workspace, found, known)
    _require_no_link(path, found, workspace)
    workspace.require_writable(path)
    return Planned(
        kind="deleted",
        path=found.shown,
        source=found.shown,
        before=decode(found.content),
        changes=(Change(path, None, found.stamp, found.content),),
    )


def _updated(section: Update, workspace: Workspace, seen: Seen) -> Planned:
    found = workspace.read(section.path)
    known = seen(found.shown)
    if known is not None or any(not hunk.old for hunk in section.hunks):
        # Lines that only come, with none around them, prove nothing.
        require_seen(workspace, found, known)
    workspace.require_writable(section.path)
    before = decode(found.content)
    plan = Planned(
        kind="modified",
        path=found.shown,
        source=found.shown,
        before=before,
        after=before,
        content=found.content,
        changes=(),
        known=known is not None,
    )
    if section.hunks:
        if before is None:
            raise ToolFailure("binary", f"{found.shown} is a binary file: a patch is for text.")
        made = patched(before, section.hunks, found.shown)
        content = _encoded(made.text, found.shown)
        plan = msgspec.structs.replace(plan, after=made.text, content=content, notes=made.notes)
    if section.move_to is not None:
        return _moved(plan, section.path, section.move_to, found, workspace)
    if plan.content == found.content:
        raise ToolFailure("no_change", f"{found.shown}: what goes and what comes is the same.")
    change = Change(section.path, plan.content, found.stamp, found.content)
    return msgspec.structs.replace(plan, changes=(change,))


def _encoded(text: Text, path: str) -> bytes:
    try:
        return text.encode()
    except ToolFailure as failure:
        raise ToolFailure(failure.code, f"{path}: {failure.message}") from failure


def _moved(
    plan: Planned, source: str, target: str, found: FileBytes, workspace: Workspace
) -> Planned:
    _require_no_link(source, found, workspace)
    shown = _free(target, workspace, "Choose another place to move to.")
    changes = (
        Change(target, plan.content, MISSING, like=source),
        Change(source, None, found.stamp, found.content),
    )
    return msgspec.structs.replace(plan, kind="moved", path=shown, changes=changes)


def _require_no_link(path: str, found: FileBytes, workspace: Workspace) -> None:
    resolved = workspace.existing(path)
    if resolved.literal != resolved.real:
        raise ToolFailure(
            "is_link", f"{path} leads through a link to {found.shown}: name that path instead."
        )


def _require_apart(plans: list[Planned]) -> None:
    """Raise ToolFailure where two sections mean one file under different names."""
    taken: set[str] = set()
    for plan in plans:
        for path in {plan.path, plan.source}:
            if path in taken:
                raise ToolFailure("bad_patch", f"Two sections of the patch change {path}.")
            taken.add(path)
