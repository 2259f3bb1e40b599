"""Find what changed below a root since it was seen last, reading only what did.

By handles, no link followed. Ignored names and `.git` are known by name and left alone; what was
seen once is followed on even if a rule comes to ignore it, and what stops being ignored is taken
up as it is: nobody has created it.
"""

import os
import stat
import time
from collections.abc import Callable

import msgspec

from executor.errors import ProjectTooBig
from executor.policy.places import is_protected
from executor.sandbox.stubs import holds_a_place
from executor.snapshots.exact import TEMPORARY, Save, state_of
from executor.snapshots.manifest import NEVER, Listing, Manifest, Seen, StatKey
from executor.snapshots.rules import ProjectRules, Rules
from executor.snapshots.states import MISSING, Change, Folder, State, Unsaved
from executor.workspace.ignored_above import NOTHING_ABOVE, FromAbove
from executor.workspace.resolved import FOLDER_FLAGS

GRANULE_NS = 20_000_000
"""Two changes within this may leave one time on a file: Linux stamps with its clock's last tick."""
COARSE_NS = 2_000_000_000
"""The same where the file system keeps whole seconds."""
SECOND_NS = 1_000_000_000
GIT_FOLDER = ".git"
RULES_FILE = ".gitignore"


class Bounds(msgspec.Struct, frozen=True):
    """What a scan takes in before it gives up."""

    files: int = 200_000
    content_bytes: int = 4 * 1024**3
    """Of what must be read."""
    seconds: float = 300.0
    depth: int = 100


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """One name that is not as it was seen."""

    name: str
    status: os.stat_result
    key: StatKey
    seen: Seen | None


class _Here(msgspec.Struct, frozen=True):
    """The folder that is being looked at."""

    folder: int
    path: str
    rules: Rules
    found: dict[str, Seen]
    adopted: bool
    """It was ignored until this look: what is in it was created by nobody."""
    anew: bool
    """Ignored names are judged again."""
    adopting: set[str] = msgspec.field(default_factory=set[str])
    """The names that were ignored until this look."""


class Scan:
    """One walk; the fields say what it found, and hold for a whole one only."""

    def __init__(
        self,
        known: Manifest,
        save: Save,
        *,
        bounds: Bounds,
        reclassify: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """`reclassify`: look again at ignored names where rules have changed. Not after a call: it
        may have changed the rules, and what it did not create must not look created."""
        self._known = known
        self._save = save
        self._bounds = bounds
        self._reclassify = reclassify
        self._cancelled = cancelled
        self._began_ns = time.time_ns()
        self._deadline = time.monotonic() + bounds.seconds
        self.changed: dict[str, Listing] = {}
        self.gone: list[str] = []
        """Folders that the manifest need not hold any more."""
        self.changes: list[Change] = []
        self.files = 0
        self.content_bytes = 0
        """Of what was read."""
        self.unread: list[str] = []
        """Folders that could not be entered: what was seen in them still stands."""

    def run(self, root: int, from_above: FromAbove = NOTHING_ABOVE) -> bool:
        """Walk it all; False where `cancelled` said so. Raises ProjectTooBig and OSError."""
        return self._enter(root, "", ProjectRules(root, from_above), adopted=False)

    def _enter(self, folder: int, path: str, above: Rules, *, adopted: bool) -> bool:
        if self._cancelled():
            return False
        listing = self._known.get(path)
        names = {} if listing is None else listing.names
        found, rest, folders, rules_key = _compared(folder, names)
        self._count(len(found) + len(rest))
        rules = above if rules_key is None else Rules(above, folder, path, rules_key)
        anew = self._reclassify and listing is not None and listing.rules != rules.mark
        if anew:
            rest += _ignored_again(folder, found)
        here = _Here(folder, path, rules, found, adopted=adopted, anew=anew)
        dirty = self._take(here, rest)
        folders += [entry.name for entry in rest if _is_known_folder(found.get(entry.name))]
        for name in names:
            if name not in found:
                dirty = True
                self._vanished(_joined(path, name), names[name].state)
        if dirty or anew or listing is None:
            mark = rules.mark if listing is None or self._reclassify else listing.rules
            self.changed[path] = Listing(mark, found)
        for name in folders:
            whole = adopted or name in here.adopting
            if not self._descend(folder, _joined(path, name), rules, adopted=whole):
                return False
        return True

    def _descend(self, folder: int, path: str, rules: Rules, *, adopted: bool) -> bool:
        try:
            handle = os.open(path.rpartition("/")[2], FOLDER_FLAGS, dir_fd=folder)
        except OSError:
            self.unread.append(path)
            return True
        try:
            if path.count("/") >= self._bounds.depth:
                self.unread.append(path)
                return True
            return self._enter(handle, path, rules, adopted=adopted)
        finally:
            os.close(handle)

    def _take(self, here: _Here, rest: list[_Entry]) -> bool:
        """Look at what is not as it was; says whether anything of it must be remembered."""
        dirty = False
        for entry in rest:
            name, seen = entry.name, entry.seen
            path = _joined(here.path, name)
            if not here.path and _holds_a_place(here.folder, name):
                continue
            was_ignored = seen is not None and seen.state is None
            if seen is not None and was_ignored and not here.anew and _same_format(seen, entry):
                here.found[name] = seen
                continue
            if (seen is None or was_ignored) and _is_ignored(entry, path, here.rules):
                dirty = dirty or not was_ignored
                here.found[name] = Seen(entry.key, None)
                continue
            state = self._looked_at(here.folder, entry)
            if state is None:
                continue  # it is gone again
            dirty = True
            here.found[name] = Seen(self._settled(entry), state)
            if was_ignored:
                here.adopting.add(name)
            elif not (here.adopted and seen is None):
                self._changed(path, seen, state)
        return dirty

    def _changed(self, path: str, seen: Seen | None, state: State) -> None:
        before = MISSING if seen is None or seen.state is None else seen.state
        if before == state:
            return
        if isinstance(before, Folder) and not isinstance(state, Folder):
            self._emptied(path)
        self.changes.append(Change(path, before, state))

    def _vanished(self, path: str, state: State | None) -> None:
        if state is None:
            return  # ignored: nobody kept it
        if isinstance(state, Folder):
            self._emptied(path)
        self.changes.append(Change(path, state, MISSING))

    def _emptied(self, path: str) -> None:
        """Whatever was in the folder is gone with it."""
        listing = self._known.get(path)
        if listing is None:
            return
        self.gone.append(path)
        for name, seen in listing.names.items():
            self._vanished(_joined(path, name), seen.state)

    def _looked_at(self, folder: int, entry: _Entry) -> State | None:
        if time.monotonic() > self._deadline:
            raise ProjectTooBig(f"looking at it takes longer than {self._bounds.seconds:.0f} s")
        try:
            return state_of(folder, entry.name, entry.status, self._kept)
        except FileNotFoundError:
            return None
        except OSError:
            status = entry.status
            return Unsaved(stat.S_IMODE(status.st_mode), status.st_size, status.st_mtime_ns)

    def _kept(self, digest: bytes, content: bytes) -> None:
        self.content_bytes += len(content)
        if self.content_bytes > self._bounds.content_bytes:
            raise ProjectTooBig(f"it holds more than {self._bounds.content_bytes:,} bytes")
        self._save(digest, content)

    def _count(self, names: int) -> None:
        self.files += names
        if self.files > self._bounds.files:
            raise ProjectTooBig(f"it holds more than {self._bounds.files:,} files")

    def _settled(self, entry: _Entry) -> StatKey:
        """The key by which it is known unchanged, if it has stood still long enough for one."""
        changed_ns = entry.status.st_ctime_ns
        granule = COARSE_NS if changed_ns % SECOND_NS == 0 else GRANULE_NS
        is_folder = stat.S_ISDIR(entry.status.st_mode)
        still = is_folder or changed_ns < self._began_ns - granule
        return entry.key if still else NEVER


_Compared = tuple[dict[str, Seen], list[_Entry], list[str], StatKey | None]


def _compared(folder: int, names: dict[str, Seen]) -> _Compared:
    """What is as it was, what is not, the known folders, and the status of the ignore rules.

    The one place that runs for every file of the project: written for speed.
    """
    found: dict[str, Seen] = {}
    rest: list[_Entry] = []
    folders: list[str] = []
    rules_key: StatKey | None = None
    known = names.get
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            mode = status.st_mode
            if mode & 0o170000 == 0o040000:
                key: StatKey = (mode,)
            else:
                key = (
                    mode,
                    status.st_size,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                    status.st_ino,
                )
            seen = known(name)
            if name == RULES_FILE:
                rules_key = key
            if seen is not None and seen.key == key:
                found[name] = seen
                if len(key) == 1 and seen.state is not None:
                    folders.append(name)
            elif not TEMPORARY.fullmatch(name):
                rest.append(_Entry(name, status, key, seen))
    return found, rest, folders, rules_key


def _ignored_again(folder: int, found: dict[str, Seen]) -> list[_Entry]:
    """The ignored names, to be judged by other rules; taken out of `found`."""
    again: list[_Entry] = []
    for name in [name for name, seen in found.items() if seen.state is None]:
        seen = found.pop(name)
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        again.append(_Entry(name, status, seen.key, seen))
    return again


def _holds_a_place(root: int, name: str) -> bool:
    """It is a running command's sandbox that put it there: to undo it would open the sandbox."""
    return is_protected((name,)) and holds_a_place(name, root)


def _is_ignored(entry: _Entry, path: str, rules: Rules) -> bool:
    is_folder = stat.S_ISDIR(entry.status.st_mode)
    return entry.name == GIT_FOLDER or rules.ignores(path, is_folder=is_folder)


def _same_format(seen: Seen, entry: _Entry) -> bool:
    return bool(seen.key) and stat.S_IFMT(seen.key[0]) == stat.S_IFMT(entry.key[0])


def _is_known_folder(seen: Seen | None) -> bool:
    return seen is not None and isinstance(seen.state, Folder)


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
