"""What a git command would throw away or rewrite: the questions that tell, and their answers.

Asks git only what looks; whether the command may run is decided elsewhere. What git itself refuses
to lose (a checkout over changes, `branch -d` of what is not merged) is not asked for.
"""

from collections.abc import Iterable, Sequence

import msgspec

from executor.process.git_status import changed_files

SHOWN_MAX = 20
"""Lines of one answer that are shown; the rest is counted."""
_NAMES_MAX = 4
"""Branches of one command that are asked after."""
_COMMITS = ("log", "--oneline", "--no-decorate", "-n", "1000")
_ALL = ("--all", "--")
_PUBLISHED = ("--remotes", "--tags")
_STATUS = ("status", "--porcelain=v2", "-z")


class Doubt(msgspec.Struct, frozen=True):
    """One kind of loss, and the git command whose output lists it."""

    what: str
    """As in 'changes that are not committed'."""
    args: tuple[str, ...]
    weighs: bool = True
    """It is work kept nowhere else, or commits that others may have; else it is only told."""
    apart: tuple[str, ...] = ()
    """The git command that lists what of it does not weigh; empty: all of it does."""
    worktree: str = ""
    """The other working tree of the repository in which to ask; empty: where the command runs."""

    @property
    def is_sure(self) -> bool:
        """Whether git can be asked; not where the shell is yet to put something in."""
        return not any("$" in arg for arg in (*self.args, self.worktree))

    def rows(self, output: bytes) -> list[str]:
        """What is lost by git's answer."""
        if "--porcelain=v2" in self.args:
            return changed_files(output)
        return [row for row in output.decode("utf-8", "replace").splitlines() if row.strip()]

    def told(self, rows: Sequence[str]) -> str:
        """The same in lines; empty if it is nothing."""
        if not rows:
            return ""
        more = [f"  ... and {len(rows) - SHOWN_MAX:,} more"] if len(rows) > SHOWN_MAX else []
        return "\n".join((f"{self.what}:", *(f"  {row}" for row in rows[:SHOWN_MAX]), *more))


def doubts(args: Sequence[str]) -> tuple[Doubt, ...]:
    """What to ask before `git ARGS` runs; nothing for a command that loses nothing."""
    if not args:
        return ()
    name, given = args[0], _Given(args[1:])
    if given.has("--abort") and name in ("merge", "rebase", "cherry-pick", "revert", "am"):
        return (_uncommitted(()),)
    match name:
        case "reset":
            return _reset(given)
        case "checkout" | "switch" | "restore":
            return _checkout(name, given)
        case "clean" if not given.has("-n", "--dry-run"):
            return (Doubt("files that git does not keep are deleted", ("clean", "-n", *args[1:])),)
        case "stash":
            return _stash(given)
        case "branch":
            return _branch(given)
        case "rm" if given.has("-f", "--force") and not given.has("--cached"):
            return (_uncommitted(given.paths or given.words),)
        case "push":
            return _push(given)
        case "rebase" if not given.has("--continue", "--skip", "--quit"):
            upstream = given.words[0] if given.words else "@{upstream}"
            return (_rewritten("commits are rewritten", (*_COMMITS, f"{upstream}..HEAD")),)
        case "commit" if given.has("--amend"):
            return (_rewritten("the last commit is rewritten", (*_COMMITS, "-1", "HEAD")),)
        case "filter-branch":
            return (_rewritten("commits are rewritten", (*_COMMITS, "HEAD")),)
        case "tag" if given.has("-d", "--delete"):
            return (Doubt("tags are deleted", ("tag", "-n1", "--list", *given.words)),)
        case "worktree" if given.words[:1] == ("remove",) and given.has("-f", "--force"):
            what = (
                "changes in that working tree that are not committed, and its new files, are lost"
            )
            return tuple(
                Doubt(what, ("status", "--short"), worktree=tree) for tree in given.words[1:2]
            )
        case "update-ref" if given.has("-d"):
            return _only_there(name.removeprefix("refs/heads/") for name in given.words[:1])
        case "checkout-index" if given.has("-f", "--force"):
            return (_uncommitted(given.paths or given.words),)
        case "read-tree" if given.has("-u") and given.has("--reset"):
            return (_uncommitted(()),)
        case _:
            return ()


class _Given:
    """The words behind a sub-command: options, others, and the paths after `--`."""

    def __init__(self, args: Sequence[str]) -> None:
        cut = args.index("--") if "--" in args else len(args)
        self.paths = tuple(args[cut + 1 :])
        self.options = tuple(arg for arg in args[:cut] if arg.startswith("-") and arg != "-")
        self.words = tuple(arg for arg in args[:cut] if not arg.startswith("-"))

    def has(self, *options: str) -> bool:
        """Whether one of them is given, a short one perhaps in a bundle, a long one cut short."""
        return any(_is(given, option) for given in self.options for option in options)


def _is(given: str, option: str) -> bool:
    if option.startswith("--"):
        word = given.partition("=")[0]
        return len(word) > 4 and option.startswith(word)
    return not given.startswith("--") and option[1] in given[1:]


def _uncommitted(paths: Sequence[str]) -> Doubt:
    """Of all paths, where the shell is yet to say which."""
    where = ("--", *paths) if paths and not any("$" in path for path in paths) else ()
    args = (*_STATUS, "--untracked-files=no", *where)
    return Doubt("changes that are not committed are lost", args)


def _leaving(kept: str, left: str, *, weighs: bool = True) -> Doubt:
    args = (*_COMMITS, f"{kept}..{left}", "--")
    apart = (*_COMMITS, *_PUBLISHED, "--not", kept, "--")
    return Doubt("commits are left behind", args, weighs=weighs, apart=apart)


def _rewritten(what: str, which: tuple[str, ...]) -> Doubt:
    """What nobody else can have yet does not weigh."""
    return Doubt(what, (*which, "--"), apart=(*which, "--not", "--remotes", "--"))


def _reset(given: _Given) -> tuple[Doubt, ...]:
    if given.paths or len(given.words) > 1:
        return ()  # only the index
    to = given.words[0] if given.words else ""
    lost = (_uncommitted(()),) if given.has("--hard", "--merge", "--keep") else ()
    return (*lost, _leaving(to, "HEAD", weighs=bool(lost))) if to else lost


def _checkout(name: str, given: _Given) -> tuple[Doubt, ...]:
    moved = () if name == "restore" else _moved(given, ("-B", "-C", "--force-create"))
    if name == "restore" and given.has("-S", "--staged") and not given.has("-W", "--worktree"):
        return ()
    if given.has("-f", "--force", "--discard-changes"):
        return (*moved, _uncommitted(()))
    if moved or name == "switch" or given.has("-b", "--orphan", "--track"):
        return moved
    # Names of branches among them are paths where nothing is.
    paths = (*given.words, *given.paths)
    return (_uncommitted(paths),) if paths else ()


def _moved(given: _Given, options: tuple[str, ...]) -> tuple[Doubt, ...]:
    """A branch that is made to point elsewhere."""
    match given.words:
        case (name, *starts) if given.has(*options):
            return (_leaving(starts[0] if starts else "HEAD", f"refs/heads/{name}"),)
        case _:
            return ()


def _stash(given: _Given) -> tuple[Doubt, ...]:
    match given.words:
        case ("clear", *_):
            return (Doubt("stashes are deleted", ("stash", "list")),)
        case ("drop", *entries):
            entry = entries[0] if entries else "stash@{0}"
            entry = f"stash@{{{entry}}}" if entry.isdigit() else entry
            return (
                Doubt("a stash is deleted", ("log", "-g", "--format=%gd: %gs", "-1", entry)),
                Doubt("it holds", ("diff", "--stat", f"{entry}^1", entry)),
            )
        case _:
            return ()


def _branch(given: _Given) -> tuple[Doubt, ...]:
    forced = given.has("-f", "--force")
    if given.has("-D") or (given.has("-d", "--delete") and forced):
        return _only_there(given.words[:_NAMES_MAX])
    if given.has("-M", "-C") or (forced and given.has("-m", "-c", "--move", "--copy")):
        return (_leaving("HEAD", f"refs/heads/{given.words[-1]}"),) if given.words else ()
    return _moved(given, ("-f", "--force"))


def _only_there(branches: Iterable[str]) -> tuple[Doubt, ...]:
    return tuple(
        Doubt(
            f"commits that only {name} holds",
            (*_COMMITS, f"refs/heads/{name}", "--not", f"--exclude=refs/heads/{name}", *_ALL),
        )
        for name in branches
    )


def _push(given: _Given) -> tuple[Doubt, ...]:
    """By what is known here of the other side since the last fetch."""
    remote, *specs = given.words or ("",)
    deletes = given.has("-d", "--delete")
    forced = deletes or given.has("-f", "--force", "--force-with-lease", "--mirror", "--prune")
    found: list[Doubt] = []
    for spec in specs[:_NAMES_MAX]:
        source, colon, target = spec.removeprefix("+").partition(":")
        if not (forced or spec.startswith("+") or (colon and not source)):
            continue
        branch = (target or source).removeprefix("refs/heads/")
        there = f"refs/remotes/{remote}/{branch}"
        if deletes or not source:
            what = f"{remote}/{branch} is deleted there; its last commits, as of the last fetch"
            found.append(Doubt(what, ("log", "--oneline", "-n", "5", there, "--")))
        else:
            what = f"{remote}/{branch} is overwritten; commits it loses, as of the last fetch"
            found.append(Doubt(what, (*_COMMITS, f"{source}..{there}", "--")))
    if forced and not specs:
        what = "the other side is overwritten; commits it loses, as of the last fetch"
        found.append(Doubt(what, (*_COMMITS, "HEAD..@{push}", "--")))
    return tuple(found)
