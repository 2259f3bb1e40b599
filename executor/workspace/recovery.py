"""Bring a set of changes to an end that an earlier process had begun, and tell how it stands.

Overwrites nothing but the very bytes that the changes were made for.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.files import READ_MAX, digest_of, read_regular
from executor.workspace.root import Root
from executor.workspace.staging import (
    Place,
    Staged,
    below,
    discard,
    entered,
    leave_no_empty_folder,
    put,
)


class Done(msgspec.Struct, frozen=True):
    """Every change of the set is made."""


class Unchanged(msgspec.Struct, frozen=True):
    """None is, and none will be."""


class Partly(msgspec.Struct, frozen=True):
    """Somebody else changed some of the files meanwhile: those are left as they are."""

    done: tuple[str, ...]
    left: tuple[str, ...]


Settled = Done | Unchanged | Partly
_State = Literal["made", "ready", "other"]


def settle(folder: Path, staged: Sequence[Staged], *, decided: bool) -> Settled:
    """Finish what was `decided` in the project `folder`, else clear it away. Can be repeated.

    Raises ToolFailure and OSError where the disk refuses; nothing is lost then.
    """
    root = Root(folder)
    try:
        with ExitStack() as handles:
            places = [_placed(root, one, handles) for one in staged]
            settled = _settled(staged, places) if decided else Unchanged()
            for place in filter(None, places):
                discard(place)
            if isinstance(settled, Done):
                leave_no_empty_folder(root, _left(staged, places))
            return settled
    finally:
        root.close()


def _left(staged: Sequence[Staged], places: Sequence[Place | None]) -> Iterator[tuple[str, ...]]:
    """The folders of files that went, also where the deepest went with them."""
    for one, place in zip(staged, places, strict=True):
        if not one.temporary:
            yield tuple(one.path.split("/")[:-1]) if place is None else place.real[:-1]


def _settled(staged: Sequence[Staged], places: Sequence[Place | None]) -> Settled:
    states = [_state(one, place) for one, place in zip(staged, places, strict=True)]
    if "other" in states and "made" not in states:
        return Unchanged()
    for place, state in zip(places, states, strict=True):
        if place is not None and state == "ready":
            with entered(place) as (folder, name):
                put(place, folder, name)
                os.fsync(folder)
    if "other" not in states:
        return Done()
    pairs = list(zip(staged, states, strict=True))
    return Partly(
        tuple(one.path for one, state in pairs if state != "other"),
        tuple(one.path for one, state in pairs if state == "other"),
    )


def _placed(root: Root, one: Staged, handles: ExitStack) -> Place | None:
    """Where the temporary file is, or was; None where the way there is gone."""
    above = "/".join(one.path.split("/")[: one.depth]) or "."
    try:
        with root.folder(above) as staging, root.located(one.path) as found:
            above_it, real = staging.path.real, found.path.real
            rest = real[len(above_it) :]
            if not rest or real[: len(above_it)] != above_it:
                return None
            folder = os.dup(staging.folder)
            handles.callback(os.close, folder)
            return Place(one, folder, rest, real)
    except ToolFailure:
        return None  # whoever moved the folders has taken what was in them


def _state(one: Staged, place: Place | None) -> _State:
    if place is None:  # a file that was to go may have been the last in its folder
        return "made" if one.new is None else "other"
    now = _digest(place.folder, place.rest)
    if now == one.new:
        return "made"
    staged = _digest(place.folder, (one.temporary,)) if one.temporary else None
    return "ready" if now == one.old and staged == one.new else "other"


def _digest(folder: int, names: tuple[str, ...]) -> str | None:
    """SHA-256 of a file's bytes; None where there is none, empty for what is no such file."""
    try:
        with below(folder, names[:-1], make=False) as inner:
            return digest_of(read_regular(inner, names[-1], "", READ_MAX))
    except FileNotFoundError:
        return None
    except (OSError, ToolFailure):
        return ""
