"""Repositories that name programs in every place that git looks at, and what is done in them.

Each is proved to run its program under a git that nobody holds back.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")


def git(root: Path, *args: str) -> None:
    output(root, *args)


def output(root: Path, *args: str) -> str:
    command = ["git", *IDENTITY, *args]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


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
    git(root, "config", "core.hooksPath", "hooks")


def _configured(*settings: tuple[str, str]) -> Callable[[Path, str], None]:
    def configure(root: Path, evil: str) -> None:
        site = output(root, "config", "remote.origin.url").strip()
        for key, value in settings:
            git(root, "config", key.format(site=site), value.format(evil=evil))

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
    git(root, "config", "include.path", "../evil.config")
    _attributes(root, evil)


def _conditional(root: Path, evil: str) -> None:
    (root / "evil.config").write_text(
        f'[core]\n\tfsmonitor = "{evil}"\n[filter "evil"]\n\tsmudge = "{evil}; cat"\n'
    )
    git(root, "config", "includeIf.gitdir:**.path", "../evil.config")
    git(root, "config", "includeIf.onbranch:main.path", "../evil.config")
    _attributes(root, evil)


def _worktree_scope(root: Path, evil: str) -> None:
    git(root, "config", "extensions.worktreeConfig", "true")
    git(root, "config", "--worktree", "core.fsmonitor", evil)
    git(root, "config", "--worktree", "filter.evil.clean", f"{evil}; cat")
    _attributes(root, evil)


def _attributes_within(root: Path, evil: str) -> None:
    _filters(root, evil)
    (root / ".gitattributes").unlink()
    (root / ".git/info/attributes").write_text("* filter=evil diff=evil merge=evil\n")


def _attributes_elsewhere(root: Path, evil: str) -> None:
    _drivers(root, evil)
    (root / ".gitattributes").rename(root / "attributes")
    git(root, "config", "core.attributesFile", str(root / "attributes"))


def _dotted_driver(root: Path, evil: str) -> None:
    """A driver whose name holds what separates the parts of a key."""
    for key in ("filter.e.v.clean", "diff.e.v.textconv", "diff.e.v.command", "merge.e.v.driver"):
        git(root, "config", key, f"{evil}; cat")
    (root / ".gitattributes").write_text("* filter=e.v diff=e.v merge=e.v\n")


def _nearby_remote(root: Path, evil: str) -> None:
    other = root / "other"
    git(root, "clone", "-q", "--bare", ".", "other")
    for key, value in (
        ("remote.origin.url", str(other)),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("remote.origin.uploadpack", evil),
        ("remote.origin.receivepack", evil),
        ("branch.main.remote", "origin"),
        ("branch.main.merge", "refs/heads/main"),
    ):
        git(root, "config", key, value)


def _submodule(root: Path, evil: str) -> None:
    """What its configuration names is not in the one that was read, so that only staying out of it
    helps; it stands at another commit than it should, so that an update has something to do."""
    sub = root / "sub"
    git(root, "init", "-q", "sub")
    (sub / "f").write_text("one\n")
    git(sub, "add", "f")
    git(sub, "commit", "-qm", "sub")
    git(root, "add", "sub")
    git(root, "commit", "-qm", "with a submodule")
    git(sub, "commit", "-q", "--allow-empty", "-m", "later")
    (root / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    git(root, "config", "submodule.sub.url", str(sub))
    git(root, "config", "submodule.sub.update", f"!{evil}")
    git(root, "config", "submodule.recurse", "true")
    git(root, "config", "diff.submodule", "log")
    git(sub, "config", "core.fsmonitor", evil)
    git(sub, "config", "filter.evil.clean", f"{evil}; cat")
    (sub / ".git/info/attributes").write_text("* filter=evil\n")
    (sub / "f").write_text("two\n")
    _hooks_in(sub / ".git/hooks", evil)


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
    "helper": _configured(("credential.helper", "!{evil}")),
    "who asks for a password": _configured(("core.askPass", "{evil}")),
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
    "submodule": _submodule,
    "other signing": _configured(
        *(("gpg.format", "ssh"), ("gpg.ssh.program", "{evil}"), ("tag.gpgSign", "true")),
        *(("commit.gpgSign", "true"), ("gpg.ssh.defaultKeyCommand", "{evil}")),
        *(("log.showSignature", "true"), ("gpg.x509.program", "{evil}")),
    ),
    "helper of one host": _configured(("credential.{site}.helper", "!{evil}")),
    "proxy": _configured(("core.gitProxy", "{evil}"), ("remote.origin.url", "git://localhost:1/x")),
    "trailers": _configured(
        ("trailer.evil.command", "{evil}"),
        ("trailer.evil.cmd", "{evil}"),
        ("trailer.evil.key", "Evil: "),
    ),
    "tool for differences": _configured(
        ("diff.tool", "evil"), ("difftool.evil.cmd", "{evil}"), ("difftool.prompt", "false")
    ),
    "tool for merges": _configured(
        ("merge.tool", "evil"), ("mergetool.evil.cmd", "{evil}"), ("mergetool.prompt", "false")
    ),
    "path of a tool": _configured(
        ("diff.tool", "meld"), ("difftool.meld.path", "{evil}"), ("mergetool.meld.path", "{evil}")
    ),
    "filter of differences": _configured(
        ("interactive.diffFilter", "{evil}"), ("color.ui", "always")
    ),
    "archives": _configured(("tar.tar.command", "{evil}"), ("tar.tgz.command", "{evil}")),
}
COMMANDS = tuple(
    tuple(line.split())
    for line in """
    status
    status --short
    submodule status
    submodule update
    diff
    diff --stat
    difftool --no-prompt
    add -p
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
    commit --allow-empty --trailer a=b -m z
    stash
    stash show -p
    stash pop
    stash push -u
    stash apply
    stash drop
    merge side -m merged
    mergetool --no-prompt
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
    archive --format=tgz HEAD
    format-patch -1 --stdout
    worktree add beside
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
    difftool --no-prompt
    add -p
    log -p --show-signature
    add .
    commit --amend
    commit --amend -m x
    commit --allow-empty --trailer a=b -m z
    tag -s -m x v2
    stash
    merge side
    mergetool --no-prompt
    checkout HEAD~0
    fetch
    push
    archive --format=tgz HEAD
    frob
    """.strip().splitlines()
)
BROAD = {"hooks", "filters", "submodule"}
