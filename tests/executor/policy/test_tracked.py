"""Secrets that git knows: what prints them asks, by the tool and by the shell."""

import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from executor.policy.ground import ProjectGround
from executor.policy.off_limits import OffLimits
from executor.policy.tracked import INDEX_MAX, index_of, tracked_names
from executor.policy.verdict import Allow, Ask, Deny
from executor.workspace import Workspace
from executor.workspace.secret_names import (
    SECRET_FOLDERS,
    SECRET_NAMES,
    is_secret,
    may_name_secret,
)
from tests.executor.policy.ground import PATH, build, built_in, make_repository, policy
from tests.requirements import covers

PRINTS = [
    "git diff", "git diff HEAD~1", "git diff --stat -p", "git diff -U5", "git show",
    "git show HEAD", "git show --stat deadbeef", "git show HEAD~1 --word-diff", "git log -p",
    "git log -u -3", "git log --patch -- src", "git log -p --follow -- src/app.py",
    "git log -L 1,2:src/app.py",
    "git log -c", "git show -c", "git log --unified=3", "git grep x", "git grep x HEAD",
    "git grep x -- src", "git grep x -- ':(glob)**'", "git cat-file -p HEAD",
    "git cat-file -p deadbeef", "git cat-file blob deadbeef", "git whatchanged",
    "git range-diff a b c", "git stash show", "git diff -- .", "git diff -- '*.py'",
    "git diff deadbeef README.md", "git show deadbeef -- README.md", "git diff main",
    "git diff --", "git diff -- missing.py",
]  # fmt: skip
UNNAMED = [
    "git range-diff a b c", "git grep x HEAD~3", "git grep -e x -n v1", "git grep x HEAD",
    "git grep -n x HEAD v1 -- src",
]  # fmt: skip
"""What git knew before is printed without a word of which file it was."""
PRINTS_NOT = [
    "git status", "git log", "git log --stat", "git diff --stat", "git diff --name-only HEAD",
    "git diff --cached --numstat", "git show --stat HEAD", "git show -s", "git show --name-status",
    "git diff src/app.py", "git diff -- src/app.py README.md", "git log -p -- src/app.py",
    "git log -p -2 README.md", "git show HEAD:src/app.py", "git show HEAD -- README.md",
    "git cat-file -p HEAD:README.md", "git cat-file blob HEAD:README.md", "git blame src/app.py",
    "git grep -l x", "git grep -c x", "git stash list", "git ls-files", "git branch",
    "git log -S x", "git diff --stat=80", "git grep x -- src/app.py",
]  # fmt: skip


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = _bare(tmp_path_factory.mktemp("outer"))
    make_repository(root, "README.md", "src/app.py", "src/deep/server.pem")
    return root


def _bare(outer: Path) -> Path:
    root = build(outer)
    (root / ".git").rmdir()
    (root / "src" / "deep").mkdir()
    (root / "src" / "deep" / "server.pem").write_text("synthetic\n")
    return root


@covers("R-POLICY-8")
@pytest.mark.parametrize("line", PRINTS)
def test_git_asks_before_it_prints_secrets_that_it_tracks(line: str, tracking: Path) -> None:
    with policy(tracking) as made:
        assert isinstance(made.decide(built_in("Shell", command=line)), Ask)
        arguments = tuple(line.replace("'", "").split()[1:])
        assert isinstance(made.decide(built_in("Git", args=arguments)), Ask)


NAMED = [
    "git show HEAD~3:.env", "git show HEAD:./.env", "git show :0:.env", "git show HEAD:src/.ENV",
    "git --no-pager show HEAD:.env", "git -C . show HEAD:.env", "git log -p -- .env",
    "git log -p HEAD~3 -- :/.env", "git log -L 1,5:.env", "git log -L1,5:.env",
    "git diff HEAD~1 -- src/harmless.txt", "git diff HEAD~1 -- ':(top)keys/server.pem'",
    "git blame .env", "git annotate .env", "git cat-file -p HEAD:.env", "git cat-file blob :.env",
    "git archive HEAD .env", "git grep x HEAD~1 -- .env", "git stash show -p -- .env",
    "cd src && git show HEAD:.env", "git status; git show HEAD:.env | head",
    "timeout 5 git show HEAD:.env", "git show --unknown HEAD:.env", "git show HEAD:../.env",
    "git diff-tree -p HEAD~1 HEAD -- .env", "git diff-index -p HEAD .env", "git mv .env notes.txt",
    "git format-patch --stdout HEAD~3 -- .env", "git fast-export --all -- .env",
    "git checkout-index --temp .env", "git merge-file -p .env README.md src/app.py",
    "git --config-env core.x=Y show HEAD:.env", "git show HEAD:.env HEAD:README.md",
    "git diff -- ':(icase).ENV'", "git diff -- ':(top,glob)keys/server.pem'",
]  # fmt: skip
ROUGHLY_NAMED = [
    "git show HEAD:.env > notes.txt", "sudo git show HEAD:.env", "A=1 git show HEAD:.env",
    "/usr/bin/git show HEAD:.env", "env A=1 git show HEAD:.env", "X=$(git show HEAD:.env)",
    "echo `git show HEAD:.env`", "eval 'git show HEAD:.env'", "cat <(git show HEAD:.env)",
    "xargs git show HEAD:.env < README.md", "find . -exec git show HEAD:.env \\;",
    "while true; do git show HEAD:.env; done", "f() { git show HEAD:.env; }; f",
    "g\"i\"t show HEAD:.e'n'v > x", "\\git show HEAD:.env > x", "git show HEAD:.env & wait",
    "git${IFS}show${IFS}HEAD:.env", "git \\\nshow HEAD:.env > x", "git blame .env >> x",
    "sh -c 'git show HEAD:.env > x'", "bash -lc 'git show HEAD:.env'", "(git show HEAD:.env) > x",
    "git show HEAD:.env |& cat", "if ! git show HEAD:.env >x; then id; fi", "coproc git show :.env",
    "sh <<E\ngit show HEAD:.env\nE", "cat <<E\n$(git show HEAD:.env)\nE",
    "nohup git log -p -- .env", "ssh localhost git show HEAD:.env", "parallel git show ::: :.env",
]  # fmt: skip
"""In lines that can't be taken apart with certainty, and behind what runs programs."""
NAMED_ONLY = [
    "git log --stat -- .env", "git log -- .env", "git status .env", "git add .env",
    "git rm --cached .env", "git check-ignore .env", "git show HEAD:.env.example", "git show",
    "git diff -- README.md", "git", "git --version", "git --no-pager",
    "git diff -- . ':!.env'", "git log -p -- . ':(exclude).env'", "git log -- ':(top,exclude).env'",
    "git diff -- ':^.env' src", "echo 'git show HEAD:.env' > notes.md",
    "git commit -qm 'as git show HEAD:.env does' > log", "git diff | grep -v .env > log",
    "git commit -F - <<'E'\nas git show HEAD:.env does\nE", "ls > git.env", "X=1 make > git.txt",
]  # fmt: skip


@covers("R-POLICY-8")
@pytest.mark.parametrize("line", NAMED)
def test_what_git_would_print_of_a_secret_file_that_is_named_is_denied_in_every_mode(
    line: str, tracking: Path
) -> None:
    words = tuple(line.replace("'", "").split()[1:])
    calls = [built_in("Shell", command=line)]
    if line.startswith("git ") and not set(line) & set("|;"):
        calls.append(built_in("Git", args=words))
    for mode in ("read-only", "ask", "auto-edit", "auto"):
        with policy(tracking, mode=mode, allow=("Shell(git *)", "Git", "Shell")) as made:
            for call in calls:
                verdict = made.decide(call)
                assert isinstance(verdict, Deny)
                assert verdict.rule == "secret files are left alone"


@covers("R-POLICY-8")
@pytest.mark.parametrize("line", ROUGHLY_NAMED)
def test_so_is_it_in_a_line_that_can_only_be_read_roughly(line: str, tracking: Path) -> None:
    for mode in ("ask", "auto"):
        with policy(tracking, mode=mode, allow=("Shell",)) as made:
            verdict = made.decide(built_in("Shell", command=line))
            assert isinstance(verdict, Deny)
            assert verdict.rule == "secret files are left alone"


@pytest.mark.parametrize("line", NAMED_ONLY)
def test_git_commands_that_only_name_a_secret_file_are_not_denied(
    line: str, tracking: Path
) -> None:
    with policy(tracking, mode="auto") as made:
        assert not isinstance(made.decide(built_in("Shell", command=line)), Deny)


def test_a_rule_that_lets_a_secret_file_be_read_lets_git_print_it(tracking: Path) -> None:
    with policy(tracking, mode="auto", allow=("Read(.env)",)) as made:
        assert isinstance(made.decide(built_in("Git", args=("show", "HEAD~3:.env"))), Allow)
        assert isinstance(made.decide(built_in("Git", args=("show", "HEAD:a.pem"))), Deny)


@pytest.mark.parametrize("line", PRINTS_NOT)
def test_git_that_prints_none_of_them_does_not_ask(line: str, tracking: Path) -> None:
    with policy(tracking) as made:
        assert made.decide(built_in("Shell", command=line)) == Allow("it only looks")


@pytest.mark.parametrize("line", [*PRINTS, *UNNAMED])
def test_where_none_is_tracked_git_prints_unasked(line: str, tmp_path: Path) -> None:
    root = _bare(tmp_path)
    make_repository(root, "README.md", "src/app.py")
    (root / "missing.py").touch()
    with policy(root) as made:
        expected = Ask if line in UNNAMED else Allow
        assert isinstance(made.decide(built_in("Shell", command=line)), expected)


BLURRED = [
    "git log -p | grep SECRET", "git log -p -5 | tail -20", "git show HEAD~1 | grep '^-'",
    "git show | sed -n 5,9p", "git diff HEAD~3 | grep x", "git diff main HEAD | cut -c 2-",
    "git log -p | sort", "timeout 5 git log -p | grep x", "git log -p | timeout 5 grep x",
    "git stash show -p | grep x", "git whatchanged -p | tail -n 3", "git log -p 2>&1 | grep x",
    "bash -c 'git log -p | grep x'", "git log -p | grep x | head -3", "git log -u | rev",
    "git log -p | cat | grep x", "{ git log -p; ls; } | grep x", "(git show) | head | grep x",
]  # fmt: skip
PLAIN = [
    "git log -p | head -50", "git log --oneline | grep x", "git diff | grep '^+'", "git show",
    "git log -p -- src/app.py | grep x", "git show HEAD:src/app.py | grep x", "git show -s | tail",
    "git log --stat | grep x", "git diff --stat HEAD | tail -1", "git log -p | wc", "ls | grep x",
    "ls | grep x && git show", "git diff -- src/app.py | grep x", "git grep x | sort",
    "git status --short | grep x",
]  # fmt: skip


@covers("R-POLICY-8")
@pytest.mark.parametrize("line", BLURRED)
def test_a_filter_that_may_take_away_of_which_file_a_line_is_asks(
    line: str, forgetful: Path
) -> None:
    with policy(forgetful) as made:
        assert isinstance(made.decide(built_in("Shell", command=line)), Ask)


@pytest.mark.parametrize("line", PLAIN)
def test_a_filter_of_other_lines_does_not(line: str, forgetful: Path) -> None:
    with policy(forgetful) as made:
        assert made.decide(built_in("Shell", command=line)) == Allow("it only looks")


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that tracks no secret, whatever it did before."""
    root = _bare(tmp_path_factory.mktemp("outer"))
    make_repository(root, "README.md", "src/app.py")
    return root


def test_a_text_with_a_secret_name_in_it_is_never_taken_for_one_without() -> None:
    for name in (*SECRET_NAMES, *SECRET_FOLDERS):
        spelt = name.replace("*", "x")
        assert is_secret((spelt,))
        assert may_name_secret(f"git show HEAD:a/{spelt.upper()} > x")
    assert may_name_secret("git show HEAD:.\uff45nv > x")
    assert not may_name_secret("git log --oneline > README.md")


def test_tracked_files_that_a_rule_denies_reading_count_as_secrets(tmp_path: Path) -> None:
    root = _bare(tmp_path)
    make_repository(root, "README.md", "src/app.py")
    with policy(root, deny=("Read(src/**)",)) as made:
        assert isinstance(made.decide(built_in("Shell", command="git diff")), Ask)
        assert isinstance(made.decide(built_in("Shell", command="rg x src")), Ask)
        assert isinstance(made.decide(built_in("Shell", command="rg x README.md")), Allow)
        assert isinstance(made.decide(built_in("ReadFile", file_path="source/app.py")), Deny)


def test_the_index_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    root = _bare(tmp_path)
    make_repository(root, "README.md")
    with policy(root) as made:
        call = built_in("Shell", command="git show")
        assert isinstance(made.decide(call), Allow)
        subprocess.run(["git", "add", "-f", ".env"], cwd=root, check=True, env={"PATH": PATH})
        assert isinstance(made.decide(call), Ask)


def test_names_are_those_that_git_lists(tracking: Path) -> None:
    index = index_of(tracking)
    assert index == tracking / ".git" / "index"
    assert tracked_names(tracking / ".git" / "index") == (
        "README.md",
        "src/app.py",
        "src/deep/server.pem",
    )


def test_a_worktree_has_its_index_elsewhere(tracking: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(
        ["git", "worktree", "add", "-q", "--detach", str(other)],
        cwd=tracking,
        check=True,
        env={"PATH": PATH},
    )
    index = index_of(other)
    assert index is not None
    assert tracked_names(index) == ("README.md", "src/app.py", "src/deep/server.pem")


def test_long_names_and_files_yet_to_be_added_are_listed(tmp_path: Path) -> None:
    root = _bare(tmp_path)
    deep = "/".join("d" * 200 for _ in range(12))
    long = root / deep / ("f" * 200)
    os.makedirs(root / deep)
    long.touch()
    make_repository(root, "README.md", f"{deep}/{'f' * 200}")
    subprocess.run(["git", "add", "-fN", ".env"], cwd=root, check=True, env={"PATH": PATH})
    assert tracked_names(root / ".git" / "index") == (".env", "README.md", f"{deep}/{'f' * 200}")


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda content: content[:0],
    lambda content: b"XXXX" + content[4:],
    lambda content: content[:7] + b"\4" + content[8:],
    lambda content: content[:8] + b"\xff\xff\xff\xff" + content[12:],
    lambda content: content[:73] + b"\0" + content[74:],
    lambda content: content[:-20] + b"link" + content[-20:],
    lambda content: content[:-20] + b"sdir" + content[-20:],
    lambda content: content + b"\0" * INDEX_MAX,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_an_index_that_is_not_understood_nothing_is_known(
    damage: Callable[[bytes], bytes], tracking: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "index"
    broken.write_bytes(damage((tracking / ".git" / "index").read_bytes()))
    assert tracked_names(broken) is None


@pytest.mark.parametrize("pointer", [None, b"", b"gitdir: /no\0where", b"nothing", b"x" * 5000])
def test_without_a_repository_here_git_asks_before_it_prints(
    pointer: bytes | None, tmp_path: Path
) -> None:
    root = _bare(tmp_path)
    if pointer is not None:
        (root / ".git").write_bytes(pointer)
    assert index_of(root) is None
    with policy(root) as made:
        assert isinstance(made.decide(built_in("Shell", command="git diff")), Ask)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "index")
    assert tracked_names(tmp_path / "index") is None
    assert tracked_names(tmp_path / "none") == ()


def test_a_repository_to_which_nothing_was_added_tracks_no_secret(tmp_path: Path) -> None:
    root = _bare(tmp_path)
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)

    with closing(Workspace(root)) as workspace:
        ground = ProjectGround(workspace, PATH)
        assert not ground.tracks_secrets(OffLimits())
        make_repository(root, "src/deep/server.pem")
        assert ground.tracks_secrets(OffLimits())
