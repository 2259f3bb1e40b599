"""The root's handle, and the paths that are followed from it, failures told to the model.

Opens folders only; what is done below them is `workspace`'s business.
"""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from executor.errors import OutsideWorkspace, ToolFailure
from executor.workspace.names import from_printable, printable
from executor.workspace.near import near_misses
from executor.workspace.resolved import FOLDER_FLAGS, Located, located, shown


class Root:
    """One folder under all its names; printable forms of odd names are understood below it."""

    def __init__(self, folder: Path) -> None:
        """Open `folder`; raises OSError where it is no folder that can be read."""
        self.path = folder.resolve(strict=True)
        self._names = (self.path, Path(os.path.abspath(folder)))
        self.handle = os.open(self.path, FOLDER_FLAGS)

    def close(self) -> None:
        os.close(self.handle)

    @contextmanager
    def resolved(self, path: str) -> Generator[Located]:
        """Where `path` leads. Raises OutsideWorkspace and OSError."""
        with located(self.handle, self._names, self._meant(path)) as found:
            yield found

    @contextmanager
    def located(self, path: str) -> Generator[Located]:
        """The same; what is raised, inside too, becomes a ToolFailure."""
        try:
            with self.resolved(path) as found:
                yield found
        except OutsideWorkspace as error:
            raise ToolFailure("outside_workspace", f"{error}.") from error
        except OSError as error:
            raise failure_of(path, error) from error

    @contextmanager
    def existing(self, path: str) -> Generator[Located]:
        """The same, with the failure `not_found` and near misses for what is not there."""
        with self.located(path) as found:
            if not found.path.exists:
                near = near_misses(self.handle, found)
                hint = f" Did you mean {' or '.join(near)}?" if near else ""
                raise ToolFailure("not_found", f"{_named(found)} does not exist.{hint}")
            yield found

    @contextmanager
    def folder(self, path: str) -> Generator[Located]:
        """The same, with the failure `not_a_folder` for everything else."""
        with self.existing(path) as found:
            if found.path.kind != "folder":
                what = "a file, not" if found.path.kind == "file" else "not"
                raise ToolFailure("not_a_folder", f"{found.path.shown} is {what} a folder.")
            yield found

    def _meant(self, path: str) -> str:
        """`path`, or what its printable form stands for where only that exists."""
        original = from_printable(path)
        if original == path:
            return path
        with located(self.handle, self._names, path) as literal:
            if literal.path.exists:
                return path
        with located(self.handle, self._names, original) as meant:
            return original if meant.path.exists else path


def _named(found: Located) -> str:
    """What is missing: of a link that leads nowhere the name that was given too."""
    literal = shown(found.path.literal)
    if literal == found.path.shown:
        return literal
    return f"{literal} leads to {found.path.shown}, which"


def failure_of(path: str, error: OSError) -> ToolFailure:
    """What the model can do about an error of the operating system."""
    name = printable(path)
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ToolFailure("permission", f"{name}: {error.strerror}.")
        case errno.ENOSPC | errno.EDQUOT:
            return ToolFailure("no_space", f"{name} was not written: {error.strerror}.")
        case errno.ENOTDIR:
            return ToolFailure("not_found", f"{name} runs through something that is no folder.")
        case errno.ELOOP | errno.ENOENT | errno.EEXIST:
            return ToolFailure("changed", f"{name} is being changed by somebody else; try again.")
        case _:
            return ToolFailure("unreadable", f"{name}: {error.strerror or error}.")
