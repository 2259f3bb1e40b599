"""The ignore rules of a repository of which the project is only a part.

Reads `.gitignore` on the way from the repository's top down to the project, and nothing else above.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from executor.errors import ToolFailure
from executor.workspace.files import read_regular
from executor.workspace.ignore import NOTHING_IGNORED, IgnoreRules

RULES_FILE_MAX = 256 * 1024
_ANY_NAME = "a-name-that-no-rule-has-in-mind"
"""Where even this is ignored, all that the project holds would be."""


class FromAbove(msgspec.Struct, frozen=True):
    """Rules for paths of the project, and what they were made of."""

    rules: IgnoreRules = NOTHING_IGNORED
    mark: bytes = b""
    """Another one where the rules may be others; empty where there are none."""


NOTHING_ABOVE = FromAbove()


def rules_from_above(root: Path) -> FromAbove:
    """None where `root` is in no repository of this user, is its top, or is ignored by it.

    A home that is a repository and ignores all (`*`) has nothing to say of the projects in it.
    """
    top = repository_above(root)
    if top is None:
        return NOTHING_ABOVE
    names = root.relative_to(top).parts
    texts = [_text(top / ".git" / "info", "exclude")]
    texts += [_text(top.joinpath(*names[:depth]), ".gitignore") for depth in range(len(names))]
    if not any(texts) or _is_ignored(names, texts):
        return NOTHING_ABOVE
    told = "\0".join((*names, *texts)).encode("utf-8", "surrogateescape")
    return FromAbove(_rules(texts, names), hashlib.blake2b(told, digest_size=8).digest())


def repository_above(root: Path) -> Path | None:
    """The nearest folder above that holds a `.git` of this user's, unless `root` has one itself."""
    for folder in (root, *root.parents):
        try:
            owner = os.lstat(folder / ".git").st_uid
        except OSError:
            continue
        return folder if folder != root and owner == os.getuid() else None
    return None


def _rules(texts: list[str], names: tuple[str, ...]) -> IgnoreRules:
    """The first text holds at the top, as the second does; each other one a folder deeper."""
    rules = NOTHING_IGNORED
    for depth, text in enumerate(texts):
        rules = rules.below(text, max(0, depth - 1), names) if text else rules
    return rules


def _is_ignored(names: tuple[str, ...], texts: list[str]) -> bool:
    """Whether the project itself is, or whatever it holds."""
    rules = _rules(texts, ())
    return any(
        rules.ignores(names[: depth + 1], is_folder=True) for depth in range(len(names))
    ) or rules.ignores((*names, _ANY_NAME), is_folder=False)


def _text(folder: Path, name: str) -> str:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return read_regular(handle, name, name, RULES_FILE_MAX).decode("utf-8", "surrogateescape")
    except (OSError, ToolFailure):
        return ""
    finally:
        os.close(handle)
