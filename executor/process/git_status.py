"""Read what `git status --porcelain=v2 -z` and `git diff --numstat -z` write.

Pure; makes few words of it, for a model and for whoever is asked.
"""

import msgspec

from executor.workspace.names import printable

FILES_MAX = 200
"""Files of each kind that are listed; the rest is counted."""

_WORDS = {
    "M": "modified",
    "T": "type changed",
    "A": "added",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
}
_CONFLICTS = {
    "DD": "both deleted",
    "AU": "added by us",
    "UD": "deleted by them",
    "UA": "added by them",
    "DU": "deleted by us",
    "AA": "both added",
    "UU": "both modified",
}
_FIELDS_BEFORE_PATH = {"1": 8, "2": 9, "u": 10}


class Changed(msgspec.Struct, frozen=True):
    """One file that is not as it is committed."""

    path: str
    staged: str = ""
    """What was done to it in the index, in a word; empty for nothing."""
    unstaged: str = ""
    conflict: str = ""
    came_from: str = ""
    """Its path before, of one that was renamed or copied."""

    @property
    def name(self) -> str:
        return f"{self.came_from} -> {self.path}" if self.came_from else self.path


class Status(msgspec.Struct, frozen=True):
    branch: str = ""
    """Empty where HEAD is detached."""
    commit: str = ""
    """Of HEAD; empty before the first one."""
    upstream: str = ""
    ahead: int = 0
    behind: int = 0
    changed: tuple[Changed, ...] = ()
    untracked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def status_of(output: bytes) -> Status:
    """The output of `status --porcelain=v2 --branch -z`; an unfinished last record is left out."""
    headers: dict[str, str] = {}
    changed: list[Changed] = []
    others: dict[str, list[str]] = {"?": [], "!": []}
    records = iter(output.decode("utf-8", "surrogateescape").split("\0")[:-1])
    for record in records:
        kind, _, rest = record.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            headers[key] = value
        elif kind in others:
            others[kind].append(printable(rest))
        elif kind in _FIELDS_BEFORE_PATH:
            before = printable(next(records, "")) if kind == "2" else ""
            changed.append(_changed(kind, rest, before))
    commit = headers.get("branch.oid", "")
    head = headers.get("branch.head", "")
    ahead, _, behind = headers.get("branch.ab", "+0 -0").partition(" ")
    return Status(
        branch="" if head == "(detached)" else printable(head),
        commit="" if commit == "(initial)" else commit,
        upstream=printable(headers.get("branch.upstream", "")),
        ahead=abs(int(ahead)),
        behind=abs(int(behind)),
        changed=tuple(changed),
        untracked=tuple(others["?"]),
        ignored=tuple(others["!"]),
    )


def _changed(kind: str, rest: str, came_from: str) -> Changed:
    fields = rest.split(" ", _FIELDS_BEFORE_PATH[kind] - 1)
    path, states = printable(fields[-1]), fields[0]
    if kind == "u":
        return Changed(path, conflict=_CONFLICTS.get(states, "conflict"))
    staged, unstaged = (_WORDS.get(letter, "") for letter in states)
    return Changed(path, staged, unstaged, came_from=came_from)


def changed_files(output: bytes) -> list[str]:
    """One line a file that is not as it is committed; what is untracked is left out."""
    return [
        f"{one.conflict or one.unstaged or one.staged}  {one.name}"
        for one in status_of(output).changed
    ]


def told(status: Status, under_way: str = "") -> str:
    """The status in words, each file under what it is; `under_way` is a merge or the like."""
    rows = [_head(status)]
    if under_way:
        rows.append(f"{under_way} is under way")
    sections = (
        ("conflicts", [f"{one.conflict}  {one.name}" for one in status.changed if one.conflict]),
        ("staged", [f"{one.staged}  {one.name}" for one in status.changed if one.staged]),
        ("not staged", [f"{one.unstaged}  {one.name}" for one in status.changed if one.unstaged]),
        ("untracked", list(status.untracked)),
        ("ignored", list(status.ignored)),
    )
    for title, files in sections:
        if files:
            rows.append(f"{title} ({len(files):,}):")
            rows += [f"  {file}" for file in files[:FILES_MAX]]
        if len(files) > FILES_MAX:
            rows.append(f"  ... and {len(files) - FILES_MAX:,} more")
    if not any(files for _, files in sections):
        rows.append("nothing to commit, the working tree is clean")
    return "\n".join(rows)


def _head(status: Status) -> str:
    where = (
        f"on branch {status.branch}" if status.branch else f"HEAD detached at {status.commit[:12]}"
    )
    if not status.commit:
        where += ", no commit yet"
    if not status.upstream:
        return where
    apart = [f"{status.ahead:,} ahead"] * bool(status.ahead)
    apart += [f"{status.behind:,} behind"] * bool(status.behind)
    return f"{where}, {' and '.join(apart) or 'level with'} {'of ' * bool(apart)}{status.upstream}"


def diff_summary(output: bytes) -> str:
    """The files of `diff --numstat -z`, a line each behind a line of totals; empty for none."""
    rows: list[str] = []
    added = removed = 0
    records = iter(output.decode("utf-8", "surrogateescape").split("\0")[:-1])
    for record in records:
        plus, _, rest = record.partition("\t")
        minus, _, name = rest.partition("\t")
        if not name:  # renamed: two records more
            name = f"{next(records, '')} -> {next(records, '')}"
        if plus == "-":
            rows.append(f"{printable(name)}  binary")
            continue
        added, removed = added + int(plus), removed + int(minus)
        rows.append(f"{printable(name)}  +{plus} -{minus}")
    if not rows:
        return ""
    more = [f"... and {len(rows) - FILES_MAX:,} more"] if len(rows) > FILES_MAX else []
    files = "1 file" if len(rows) == 1 else f"{len(rows):,} files"
    return "\n".join((f"{files}, +{added:,} -{removed:,}", *rows[:FILES_MAX], *more))
