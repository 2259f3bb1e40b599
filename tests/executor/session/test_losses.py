"""Work that git would throw away: asked about where nothing else is, told to whoever can't ask."""

import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.policy.verdict import Mode
from executor.view.port import Approved, Declined
from protocol.from_executor import ToolProgress, ToolResult
from tests.executor.policy.ground import policy
from tests.executor.session.maestro import Attachment, scripted_maestro
from tests.executor.session.rig import Rig, running
from tests.requirements import covers

ADA = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid")


def _git(root: Path, *args: str) -> None:
    subprocess.run(["git", *ADA, *args], cwd=root, check=True, capture_output=True)


async def _result(socket: Attachment) -> ToolResult:
    """The next result, progress left out."""
    while not isinstance(message := (await socket.frame()).message, ToolResult):
        pass
    return message


@asynccontextmanager
async def _attached(
    folder: Path, mode: Mode, *allow: str
) -> AsyncGenerator[tuple[Rig, Attachment]]:
    """A session over a repository with one commit and one change that is not committed."""
    async with scripted_maestro() as maestro:
        rig = Rig.at(folder, maestro.address)
        project = folder / "project"
        (project / "a.txt").write_text("committed\n")
        for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
            _git(project, *command)
        (project / "a.txt").write_text("precious\n")
        with policy(project, mode=mode, allow=allow) as made:
            rig.decide, rig.git_within = made.decide, made.git_within
            async with running(rig, maestro.address):
                socket = await maestro.attachment()
                await socket.start()
                yield rig, socket


@covers("R-GIT-3")
@pytest.mark.parametrize("mode", ["auto", "auto-edit"])
async def test_a_line_that_would_throw_work_away_asks_in_every_mode_and_shows_it(
    tmp_path: Path, mode: Mode
) -> None:
    async with _attached(tmp_path, mode, "Shell") as (rig, socket):
        await socket.run("Shell", "t1", command="cd . && git reset --hard && make")
        question = await rig.view.questions.get()
        rig.view.answers.put_nowait(Approved("once"))
        assert await socket.next(ToolProgress) == ToolProgress("t1", "asking")
        assert await socket.next(ToolProgress) == ToolProgress("t1", "started")
        rig.shell.let_end("made")
        result = await _result(socket)

    assert question.why == "git reset would throw work away, or rewrite what others have"
    assert question.body.endswith("changes that are not committed are lost:\n  modified  a.txt")
    assert (question.remember, question.lasting, result.status) == ("", False, "success")


@covers("R-GIT-3")
async def test_with_nobody_to_ask_it_is_refused_in_words_that_lead_on(tmp_path: Path) -> None:
    async with _attached(tmp_path, "auto") as (rig, socket):
        rig.view.answers.put_nowait(Declined(unasked=True))
        await socket.run("Shell", "t1", command="git checkout -- . && make")
        result = await _result(socket)

    assert (result.status, rig.shell.runs) == ("denied", 0)
    assert result.result == (
        "Denied: git checkout would throw work away, or rewrite what others have, and there is no "
        "terminal to ask on.\n"
        "changes that are not committed are lost:\n"
        "  modified  a.txt\n"
        "Keep it first, in a call before this one (git stash, or a commit), or do without. Only "
        "the user can allow it, by a rule in their own configuration: Git(checkout *)."
    )


def _nothing_to_lose(project: Path) -> None:
    (project / "a.txt").write_text("committed\n")


def _nothing_done(project: Path) -> None:
    assert (project / "a.txt").read_text() == "precious\n"


@pytest.mark.parametrize(
    ("allow", "command", "before"),
    [
        ((), "git reset --hard", _nothing_to_lose),
        ((), "git commit --amend -m better", _nothing_done),
        ((), "git rebase HEAD", _nothing_done),
        ((), "git reset --soft HEAD", _nothing_done),
        ((), "git branch -D none", _nothing_done),
        ((), "git worktree remove --force nowhere", _nothing_done),
        ((), "cat > x <<'EOF'\ngit reset --hard\nEOF", _nothing_done),
        (("Git(reset *)",), "git reset --hard", _nothing_done),
        (("Shell(git checkout *)",), "git checkout .", _nothing_done),
    ],
)
async def test_nothing_to_lose_or_a_rule_that_names_it_and_nobody_is_asked(
    tmp_path: Path, allow: tuple[str, ...], command: str, before: Callable[[Path], None]
) -> None:
    async with _attached(tmp_path, "auto", *allow) as (rig, socket):
        before(tmp_path / "project")
        await socket.run("Shell", "t1", command=command)
        rig.shell.let_end("done")
        result = await _result(socket)

    assert (result.result, rig.view.questions.qsize()) == ("done", 0)


@pytest.mark.parametrize(
    "command",
    [
        "git clean -f",
        "git stash drop",
        "git branch -D side",
        "git worktree remove --force ../tree",
        "git worktree remove -f tree",
        "git commit --amend -m published",
        "git reset --hard HEAD~1",
        "git update-ref -d refs/heads/side",
        "git branch -D $(git branch)",
        "git -C .. status; git -C .git/.. restore .",
    ],
)
async def test_each_kind_of_work_is_asked_for_whatever_is_allowed_at_large(
    tmp_path: Path, command: str
) -> None:
    async with _attached(tmp_path, "auto", "Git", "Shell", "Shell(git *)") as (rig, socket):
        project = tmp_path / "project"
        _git(project, "stash", "push", "-qm", "aside")
        (project / "a.txt").write_text("precious\n")
        (project / "new.txt").write_text("new\n")
        _git(project, "worktree", "add", "-qb", "side", "../tree")
        (tmp_path / "tree" / "new.txt").write_text("new\n")
        _git(tmp_path / "tree", "commit", "--allow-empty", "-qm", "only on side")
        _git(tmp_path / "tree", "switch", "-q", "--detach", "HEAD~1")
        _git(project, "update-ref", "refs/remotes/origin/x", "HEAD")
        if "HEAD~1" in command:
            _git(project, "commit", "--allow-empty", "-qm", "second")
        rig.view.answers.put_nowait(Declined())
        await socket.run("Shell", "t1", command=command)
        result = await _result(socket)

    assert (result.status, rig.shell.runs, rig.view.questions.qsize()) == ("denied", 0, 1)


async def test_in_mode_ask_the_question_shows_what_would_only_be_left_behind_too(
    tmp_path: Path,
) -> None:
    async with _attached(tmp_path, "ask") as (rig, socket):
        _git(tmp_path / "project", "commit", "--allow-empty", "-qm", "second")
        rig.view.answers.put_nowait(Declined(unasked=True))
        await socket.run("Shell", "t1", command="git reset --soft HEAD~1")
        result = await _result(socket)
        question = rig.view.questions.get_nowait()

    left = question.body.partition("commits are left behind:\n")[2]
    assert left.endswith(" second")
    assert result.result.endswith(f"to ask on.\ncommits are left behind:\n{left}")
