"""`Git`: real repositories, hostile ones among them."""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from executor.errors import ToolFailure
from executor.process.processes import Processes
from tests.executor.tools.world import World
from tests.requirements import covers

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def _git(root: Path, *args: str) -> None:
    subprocess.run(["git", *IDENTITY, *args], cwd=root, check=True, capture_output=True)


@pytest.fixture
def repository(world: World) -> Path:
    _git(world.root, "init", "-q", "-b", "main")
    _git(world.root, "config", "user.name", "Test")
    _git(world.root, "config", "user.email", "test@example.invalid")
    world.file("a.txt", "one\n")
    _git(world.root, "add", ".")
    _git(world.root, "commit", "-qm", "first")
    world.file("a.txt", "two\n")
    return world.root


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("status", "--short"), " M a.txt\n[exit code 0"),
        (("log", "--format=%s"), "first\n[exit code 0"),
        (("log", "--oneline", "-1", "--", "a.txt"), " first\n[exit code 0"),
        (("diff",), "-one\n+two\n[exit code 0"),
        (("diff", "--stat"), "1 file changed"),
        (("show", "--stat", "HEAD"), "first"),
        (("show", "HEAD:a.txt"), "one\n[exit code 0"),
        (("blame", "a.txt"), "two\n[exit code 0"),
        (("branch", "--show-current"), "main\n[exit code 0"),
        (("rev-parse", "--show-toplevel"), "/project\n[exit code 0"),
        (("ls-files",), "a.txt\n[exit code 0"),
        (("grep", "two"), "a.txt:two\n[exit code 0"),
        (("add", "a.txt"), "[exit code 0"),
        (("commit", "-am", "second"), "second"),
        (("commit", "-a"), "empty commit message"),
        (("stash",), "Saved working directory"),
        (("stash", "list"), "[exit code 0"),
        (("checkout", "-b", "new"), "Switched to a new branch"),
        (("reflog",), "commit (initial): first\n[exit code 0"),
        (("frobnicate",), "not a git command"),
        (("diff", "--exit-code", "--quiet"), "[exit code 1"),
    ],
)
async def test_a_command_says_what_git_says(
    world: World, args: tuple[str, ...], expected: str
) -> None:
    outcome = await world.run("Git", args=list(args))

    assert expected in outcome.text
    assert outcome.status == "success"


async def test_outside_a_repository_git_says_so(world: World) -> None:
    outcome = await world.run("Git", args=["status"])

    assert "not a git repository" in outcome.text
    assert outcome.metadata.exit_code == 128


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    "args",
    [
        ("-c", "core.pager=evil", "log"),
        ("-C", "/", "status"),
        ("--git-dir=/tmp/x", "status"),
        ("--work-tree=/", "status"),
        ("--exec-path=/tmp", "status"),
        ("--config-env=core.pager=X", "log"),
        ("--paginate", "log"),
        ("-p", "log"),
        ("diff", "--ext-diff"),
        ("log", "-p", "--textconv"),
        ("show", "--ext-d"),
        ("./evil",),
        ("",),
        ("status", "a\0b"),
    ],
)
async def test_options_that_redirect_or_run_something_are_refused(
    world: World, args: tuple[str, ...]
) -> None:
    assert (await world.failure("Git", args=list(args)))[0] == "invalid_parameters"


HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit"),
    *("prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout"),
    *("post-merge", "pre-push", "pre-auto-gc", "post-rewrite", "reference-transaction"),
    *("post-index-change", "fsmonitor-watchman", "update", "pre-receive", "post-receive"),
)


def _hooks(root: Path, evil: str) -> None:
    _hooks_in(root / ".git/hooks", evil)


def _hooks_in(folder: Path, evil: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        hook = folder / name
        hook.write_text(f"#!/bin/sh\n{evil}\n")
        hook.chmod(0o755)


def _hooks_elsewhere(root: Path, evil: str) -> None:
    _hooks_in(root / "hooks", evil)
    _git(root, "config", "core.hooksPath", "hooks")


def _configured(*settings: tuple[str, str]) -> Callable[[Path, str], None]:
    def configure(root: Path, evil: str) -> None:
        for key, value in settings:
            _git(root, "config", key, value.format(evil=evil))

    return configure


def _attributes(root: Path, _evil: str) -> None:
    (root / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")


def _filters(root: Path, evil: str) -> None:
    _configured(
        ("filter.evil.clean", "{evil}; cat"),
        ("filter.evil.smudge", "{evil}; cat"),
        ("filter.evil.process", "{evil}"),
        ("filter.evil.required", "true"),
    )(root, evil)
    _attributes(root, evil)


def _drivers(root: Path, evil: str) -> None:
    _configured(
        ("diff.evil.textconv", "{evil}; cat"),
        ("diff.evil.command", "{evil}"),
        ("diff.external", "{evil}"),
        ("merge.evil.driver", "{evil}"),
    )(root, evil)
    _attributes(root, evil)


def _included(root: Path, evil: str) -> None:
    (root / "evil.config").write_text(f'[filter "evil"]\n\tclean = "{evil}; cat"\n')
    _git(root, "config", "include.path", "../evil.config")
    _attributes(root, evil)


def _conditional(root: Path, evil: str) -> None:
    (root / "evil.config").write_text(
        f'[core]\n\tfsmonitor = "{evil}"\n[filter "evil"]\n\tsmudge = "{evil}; cat"\n'
    )
    _git(root, "config", "includeIf.gitdir:**.path", "../evil.config")
    _git(root, "config", "includeIf.onbranch:main.path", "../evil.config")
    _attributes(root, evil)


def _worktree_scope(root: Path, evil: str) -> None:
    _git(root, "config", "extensions.worktreeConfig", "true")
    _git(root, "config", "--worktree", "core.fsmonitor", evil)
    _git(root, "config", "--worktree", "filter.evil.clean", f"{evil}; cat")
    _attributes(root, evil)


def _attributes_within(root: Path, evil: str) -> None:
    _filters(root, evil)
    (root / ".gitattributes").unlink()
    (root / ".git/info/attributes").write_text("* filter=evil diff=evil merge=evil\n")


def _attributes_elsewhere(root: Path, evil: str) -> None:
    _drivers(root, evil)
    (root / ".gitattributes").rename(root / "attributes")
    _git(root, "config", "core.attributesFile", str(root / "attributes"))


def _dotted_driver(root: Path, evil: str) -> None:
    """A driver whose name holds what separates the parts of a key."""
    for key in ("filter.e.v.clean", "diff.e.v.textconv", "diff.e.v.command", "merge.e.v.driver"):
        _git(root, "config", key, f"{evil}; cat")
    (root / ".gitattributes").write_text("* filter=e.v diff=e.v merge=e.v\n")


def _nearby_remote(root: Path, evil: str) -> None:
    other = root / "other"
    _git(root, "clone", "-q", "--bare", ".", "other")
    for key, value in (
        ("remote.origin.url", str(other)),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("remote.origin.uploadpack", evil),
        ("remote.origin.receivepack", evil),
        ("branch.main.remote", "origin"),
        ("branch.main.merge", "refs/heads/main"),
    ):
        _git(root, "config", key, value)


def _embedded_bare(root: Path, evil: str) -> None:
    _git(root, "init", "-q", "--bare", "sub")
    _git(root / "sub", "config", "core.fsmonitor", evil)
    _git(root / "sub", "config", "core.bare", "false")
    _git(root / "sub", "config", "core.worktree", "..")


def _submodule(root: Path, evil: str) -> None:
    _git(root, "init", "-q", "sub")
    _git(root / "sub", "commit", "-q", "--allow-empty", "-m", "sub")
    _git(root, "add", "sub")
    _git(root, "commit", "-qm", "with a submodule")
    (root / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    _git(root, "config", "submodule.sub.update", f"!{evil}")
    _git(root, "config", "submodule.recurse", "true")
    _git(root, "config", "diff.submodule", "log")
    _git(root / "sub", "config", "core.fsmonitor", evil)
    _hooks_in(root / "sub/.git/hooks", evil)


HOSTILE: dict[str, Callable[[Path, str], None]] = {
    "hooks": _hooks,
    "hooks path": _hooks_elsewhere,
    "fsmonitor": _configured(("core.fsmonitor", "{evil}")),
    "pager": _configured(("core.pager", "{evil}"), ("pager.log", "{evil}"), ("pager.diff", "true")),
    "editor": _configured(("core.editor", "{evil}"), ("sequence.editor", "{evil}")),
    "ssh": _configured(("core.sshCommand", "{evil}"), ("remote.origin.url", "git@localhost:x")),
    "ext": _configured(
        ("remote.origin.url", "ext::sh -c {evil}"), ("protocol.ext.allow", "always")
    ),
    "helper": _configured(("credential.helper", "!{evil}"), ("core.askPass", "{evil}")),
    "signing": _configured(("gpg.program", "{evil}"), ("commit.gpgSign", "true")),
    "alias": _configured(("alias.status", "!{evil}"), ("alias.frob", "!{evil}")),
    "filters": _filters,
    "drivers": _drivers,
    "included": _included,
    "conditionally included": _conditional,
    "of the work tree": _worktree_scope,
    "attributes within": _attributes_within,
    "attributes elsewhere": _attributes_elsewhere,
    "dotted driver": _dotted_driver,
    "nearby remote": _nearby_remote,
    "embedded bare": _embedded_bare,
    "submodule": _submodule,
    "other signing": _configured(
        *(("gpg.format", "ssh"), ("gpg.ssh.program", "{evil}"), ("tag.gpgSign", "true")),
        *(("commit.gpgSign", "true"), ("gpg.ssh.defaultKeyCommand", "{evil}")),
        *(("log.showSignature", "true"), ("gpg.x509.program", "{evil}")),
    ),
    "helper of one host": _configured(
        ("credential.https://localhost.helper", "!{evil}"),
        ("remote.origin.url", "https://localhost:1/x"),
    ),
    "proxy": _configured(("core.gitProxy", "{evil}"), ("remote.origin.url", "git://localhost:1/x")),
    "trailers": _configured(
        ("trailer.evil.command", "{evil}"),
        ("trailer.evil.cmd", "{evil}"),
        ("trailer.evil.key", "Evil: "),
    ),
    "tools": _configured(
        *(("diff.tool", "evil"), ("difftool.evil.cmd", "{evil}"), ("merge.tool", "evil")),
        *(("mergetool.evil.cmd", "{evil}"), ("difftool.prompt", "false")),
        *(("interactive.diffFilter", "{evil}"), ("man.evil.cmd", "{evil}")),
    ),
    "archives": _configured(("tar.tar.command", "{evil}"), ("tar.tgz.command", "{evil}")),
}
COMMANDS = tuple(
    tuple(line.split())
    for line in """
    status
    status --short
    diff
    diff --stat
    diff HEAD~0 side
    log -p
    log --show-signature
    show
    blame a.txt
    grep two
    ls-files -m
    add .
    commit -m x
    commit --amend
    commit --amend -m y
    stash
    stash show -p
    stash pop
    stash push -u
    stash apply
    stash drop
    merge side -m merged
    merge --abort
    cherry-pick side
    cherry-pick --abort
    revert --no-edit HEAD
    rebase side
    rebase --abort
    checkout -b other
    checkout HEAD~0
    switch main
    restore --source side -- a.txt
    checkout -- .
    reset --hard
    tag -m x v1
    tag -s -m x v2
    fetch
    fetch --all
    pull
    push
    ls-remote
    archive HEAD
    format-patch -1 --stdout
    difftool --no-prompt
    mergetool --no-prompt
    worktree add beside
    submodule status
    mv a.txt b.txt
    rm -f b.txt
    clean -fd
    frob
    gc --auto
    """.strip().splitlines()
)


OFTEN = tuple(
    tuple(line.split())
    for line in """
    status
    diff
    log -p --show-signature
    add .
    commit --amend -m x
    tag -s -m x v2
    stash
    merge side
    checkout HEAD~0
    fetch
    push
    archive HEAD
    difftool --no-prompt
    frob
    """.strip().splitlines()
)
BROAD = {"hooks", "filters", "submodule"}


@covers("R-GIT-2")
@pytest.mark.parametrize("hostility", HOSTILE)
async def test_nothing_that_a_repository_names_is_run(
    world: World, repository: Path, hostility: str
) -> None:
    marker = world.outside / "ran"
    evil = world.outside / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\n")
    evil.chmod(0o755)
    _git(repository, "stash", "-q")
    _git(repository, "switch", "-qc", "side")
    world.file("a.txt", "side\n")
    _git(repository, "commit", "-qam", "side")
    _git(repository, "switch", "-q", "main")
    _git(repository, "stash", "pop", "-q")
    HOSTILE[hostility](repository, str(evil))

    for args in COMMANDS if hostility in BROAD else OFTEN:
        with suppress(ToolFailure):  # an alias of the repository is refused
            await world.run("Git", args=list(args))
        assert not marker.exists(), (args, marker.read_text())


async def test_a_project_that_is_a_bare_repository_is_not_used_as_one(world: World) -> None:
    _git(world.root, "init", "-q", "--bare", ".")

    assert "cannot use bare repository" in await world.text("Git", args=["log"])


async def test_a_work_tree_elsewhere_is_not_touched(world: World, repository: Path) -> None:
    (world.outside / "a.txt").write_text("theirs\n")
    _git(repository, "config", "core.worktree", str(world.outside))

    await world.run("Git", args=["checkout", "HEAD", "--", "a.txt"])

    assert (world.outside / "a.txt").read_text() == "theirs\n"
    assert (repository / "a.txt").read_text() == "one\n"


@pytest.mark.usefixtures("repository")
async def test_git_from_the_project_is_not_run(world: World) -> None:
    marker = world.outside / "ran"
    world.file("bin/git", f"#!/bin/sh\ntouch {marker}\n").chmod(0o755)
    (world.outside / "git").symlink_to(world.root / "bin/git")
    path = f"{world.root}/bin:{world.outside}:{os.environ['PATH']}"
    world.processes = Processes("journal-1", {"PATH": path})

    assert "first" in await world.text("Git", args=["log", "--format=%s"])
    assert not marker.exists()


@pytest.mark.usefixtures("repository")
async def test_a_program_that_can_not_be_overridden_is_named_and_nothing_runs(world: World) -> None:
    _git(world.root, "config", "remote.origin.uploadpack", "evil")

    code, message = await world.failure("Git", args=["status"])

    assert code == "invalid_parameters"
    assert "remote.origin.uploadpack" in message
    assert ".git/config" in message
