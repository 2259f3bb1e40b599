"""What calls changed, as one patch in git's form, which `git apply` takes.

Texts of states in, text out; bytes that are no UTF-8 are surrogates in it.
"""

import hashlib
import zlib
from base64 import b85encode
from collections.abc import Callable, Iterable, Iterator

from executor.snapshots.plan import steps_back
from executor.snapshots.states import Change, Folder, Link, Missing, Saved, State, Unsaved
from executor.workspace.diff import hunks
from executor.workspace.kinds import binary_kind

_LINE_BYTES = 52
_PLAIN = frozenset(range(0x20, 0x7F)) - {ord('"'), ord("\\")}


def patch(changes: Iterable[Change], content: Callable[[bytes], bytes]) -> Iterator[str]:
    """A piece for each file that differs, by path; `changes` are the latest first.

    From the first state to the last: what others changed in between is in it.
    """
    for step in sorted(steps_back(changes), key=lambda step: step.path):
        yield from _of_file(step.path, step.target, step.expected, content)


def _of_file(
    path: str, before: State, after: State, content: Callable[[bytes], bytes]
) -> Iterator[str]:
    was, comes = _git_mode(before), _git_mode(after)
    if was is None and comes is None:
        return  # folders: git keeps none
    if was is not None and comes is not None and was[:3] != comes[:3]:  # a file for a link
        yield from _of_file(path, before, Missing(), content)
        yield from _of_file(path, Missing(), after, content)
        return
    old, new = _bytes(before, content), _bytes(after, content)
    a, b = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = [f"diff --git {a} {b}\n"]
    if was is None:
        head.append(f"new file mode {comes}\n")
    elif comes is None:
        head.append(f"deleted file mode {was}\n")
    elif was != comes:
        head += [f"old mode {was}\n", f"new mode {comes}\n"]
    if isinstance(before, Unsaved) or isinstance(after, Unsaved):
        yield "".join([*head, f"Binary files {a} and {b} differ (not kept: too large)\n"])
        return
    if len(head) == 1 and old == new:
        return  # other bits of the mode, which git does not keep
    if old != new:
        if _is_binary(old) or _is_binary(new):
            ids = f"{_git_id(old if was else None)}..{_git_id(new if comes else None)}"
            head.append(f"index {ids}{f' {was}' if was == comes else ''}\n")
        head += _body(a if was else "/dev/null", b if comes else "/dev/null", old, new)
    yield "".join(head)


def _body(a: str, b: str, old: bytes, new: bytes) -> Iterator[str]:
    if _is_binary(old) or _is_binary(new):
        yield "GIT binary patch\n"
        yield from _literal(new)
        yield from _literal(old)
        return
    lines, _, _ = hunks(_text(old), _text(new))
    yield f"--- {a}\n"
    yield f"+++ {b}\n"
    yield from lines


def _is_binary(content: bytes) -> bool:
    return binary_kind(content) is not None or b"\0" in content


def _git_id(content: bytes | None) -> str:
    """What the line has without which git does not apply a binary patch."""
    if content is None:
        return "0" * 40
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def _literal(content: bytes) -> Iterator[str]:
    yield f"literal {len(content)}\n"
    packed = zlib.compress(content)
    for start in range(0, len(packed), _LINE_BYTES):
        piece = packed[start : start + _LINE_BYTES]
        length = chr(len(piece) + (64 if len(piece) <= 26 else 70))
        yield f"{length}{b85encode(piece, pad=True).decode('ascii')}\n"
    yield "\n"


def _git_mode(state: State) -> str | None:
    match state:
        case Saved(mode=mode) | Unsaved(mode=mode):
            return "100755" if mode & 0o100 else "100644"
        case Link():
            return "120000"
        case Folder() | Missing():
            return None


def _bytes(state: State, content: Callable[[bytes], bytes]) -> bytes:
    match state:
        case Saved(digest=digest):
            return content(digest)
        case Link(target=target):
            return target
        case Folder() | Unsaved() | Missing():
            return b""


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _quoted(path: str) -> str:
    """As git quotes a name that has anything but plain ASCII in it."""
    name = path.encode("utf-8", "surrogateescape")
    if all(byte in _PLAIN for byte in name):
        return path
    return '"' + "".join(_escaped(byte) for byte in name) + '"'


def _escaped(byte: int) -> str:
    return chr(byte) if byte in _PLAIN else f"\\{byte:03o}"
