"""Programs that run others: looked through by every rule, or only by those that tighten."""

from pathlib import Path
from typing import Any

import pytest

from executor.policy.verdict import Allow, Ask, Deny
from tests.executor.policy.ground import build, built_in, policy


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("outer"))


WRAPPED = [
    "sudo git push", "sudo -u root -E git push", "env git push", "env A=1 B=2 git push",
    "env -i PATH=/bin git push", "env -S 'git push'", "timeout 5 git push",
    "timeout -k 1 -s KILL 5 git push", "nice -n 5 git push", "nohup git push", "time -p git push",
    "xargs git push", "xargs -n1 -I{} git push {}", "echo x | xargs -0 git push",
    "bash -c 'git push'", "bash -lc 'ls; git push'", 'sh -c "ls && git push"',
    "bash -c \"bash -c 'git push'\"", "find . -exec git push \\;", "find . -execdir git push {} +",
    "ssh host 'git push'", "su -c 'git push' root", "watch -n1 'git push'", "eval git push",
    "eval 'git push'", "command git push", "builtin exec git push", "exec git push",
    "setsid git push", "stdbuf -oL git push", "doas git push", "busybox sh -c 'git push'",
    "strace -f git push", "parallel git push ::: x", "flock x git push", "script -c 'git push'",
    "/usr/bin/git push", "./git push", "../git push", "bin/git push", "git -C src push",
    "git -c a=b push", "git --git-dir=x push", "git --config-env a=b push", "A=1 git push",
    "PATH=.:$PATH git push", "(git push)", "{ git push; }", "if ls; then git push; fi",
    "for x in a; do git push; done", "while true; do git push; done", "! git push",
    "git push && ls", "ls || git push", "ls & git push", "ls | git push", "echo $(git push)",
    "echo `git push`", "cat <(git push)", "g'i't p\"us\"h", "g\\it pu\\sh", "git \\\n push",
    "git${IFS}push", "git$IFS'push'", "$'git' push", "git push >out", ">out git push",
    "f() { git push; }; f", "case x in x) git push;; esac", "trap 'git push' EXIT",
    "coproc git push",
    "[[ a ]] && git push", "cat <<x\ngit push\nx", "ls\ngit push", "time git push",
    "timeout 5 bash -c 'cd src && git push'", "bash -c 'echo $(git push)'",
    "ls;" * 9000 + "git push", "x" * 200_000 + "; git push",
]  # fmt: skip


@pytest.mark.parametrize("line", WRAPPED, ids=lambda line: line[:40])
@pytest.mark.parametrize("mode", ["ask", "auto"])
def test_a_deny_rule_holds_behind_whatever_runs_the_command(
    line: str, mode: Any, root: Path
) -> None:
    with policy(root, mode=mode, deny=("Git(push *)",), allow=("Shell",)) as made:
        assert isinstance(made.decide(built_in("Shell", command=line)), Deny)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("timeout 60 npm test", Allow),
        ("nice -n 5 timeout 60 npm test -- x", Allow),
        ("bash -c 'cd src && npm test'", Allow),
        ("bash -c 'npm test; ls' | tail -5", Allow),
        ("(npm test)", Allow),
        ("if npm test; then ls; fi", Allow),
        ("npm test src/*.js", Allow),
        ("time npm test", Allow),
        ("npm te* x", Ask),
        ("sudo npm test", Ask),
        ("env A=1 npm test", Ask),
        ("nohup npm test", Ask),
        ("xargs npm test", Ask),
        ("bash -c 'npm test; rm x'", Ask),
        ("bash -c 'npm test > x'", Ask),
        ("timeout 60 bash -c \"sh -c 'nice time npm test'\"", Ask),
        ("timeout 60 npm install", Ask),
    ],
)
def test_an_allow_rule_holds_only_behind_what_changes_nothing(
    line: str, expected: type, root: Path
) -> None:
    with policy(root, allow=("Shell(npm test *)",)) as made:
        assert isinstance(made.decide(built_in("Shell", command=line)), expected)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("timeout 60 make test", "Shell(make test *)"),
        ("bash -c 'cd src && make test'", "Shell(make test *)"),
        ("for x in a b; do make test; done", "Shell(make test *)"),
        ("make test && timeout 5 make test", "Shell(make test *)"),
        ("make test && make lint", ""),
        ("bash -c 'make $X'", ""),
        ("make test src/*", ""),
    ],
)
def test_a_yes_is_remembered_for_what_is_run_in_the_end(line: str, rule: str, root: Path) -> None:
    with policy(root) as made:
        ask = made.decide(built_in("Shell", command=line))
    assert isinstance(ask, Ask)
    assert ask.remember_rule == rule


@pytest.mark.parametrize(
    ("line", "lasting"),
    [
        ("git add src", True), ("git push", True), ("npm test", True), ("make test", True),
        ("cargo build", True), ("ruff check x", True), ("git fetch origin", True),
        ("git push --force", False), ("git push -f", False), ("git push origin +x", False),
        ("git push origin :x", False), ("git reset --hard", False), ("git clean -fd", False),
        ("git checkout x", False), ("git branch -D x", False), ("git commit --amend", False),
        ("git config a b", False), ("git -C x add y", False), ("git rebase main", False),
        ("git bisect run x", False), ("sudo make", False),
        ("xargs make", False), ("bash x.sh", False), ("python3 x.py", False),
        ("python3.11 -m x", False), ("node x.js", False), ("perl -e 1", False), ("rm x", False),
        ("curl x.test", False), ("docker ps", False), ("npx x", False), ("npm run x", False),
        ("npm install", False), ("uv run x", False), ("cargo install x", False),
        ("./script.sh", False), ("bin/tool", False), ("/usr/bin/make", False),
        ("terraform destroy", False), ("find . -delete", False), ("eval ls", False),
    ],
)  # fmt: skip
def test_a_yes_for_ever_is_offered_only_for_what_is_no_danger_to_remember(
    line: str, *, lasting: bool, root: Path
) -> None:
    with policy(root) as made:
        ask = made.decide(built_in("Shell", command=line))
    assert isinstance(ask, Ask)
    assert (bool(ask.remember), ask.lasting) == (True, lasting)


def test_a_wrapper_that_the_project_has_put_there_asks(tmp_path: Path) -> None:
    root = build(tmp_path)
    for name in ("timeout", "test"):
        planted = root / "bin" / name
        planted.write_text("#!/bin/sh\n")
        planted.chmod(0o755)
    with policy(root, path=f"{root}/bin:/usr/bin:/bin") as made:
        for line, expected in (
            ("timeout 5 ls", Ask),
            ("nice test -f x", Ask),
            ("test -f x", Allow),
            ("time test -f x", Allow),
            ("bash -c 'test -f x'", Allow),
            ("find . -type f -name 'x' -exec test -f {} ;".replace(" ;", " \\;"), Ask),
        ):
            assert isinstance(made.decide(built_in("Shell", command=line)), expected), line
