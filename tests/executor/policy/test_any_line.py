"""Command lines of any shape: each is decided, and soon; what is allowed does no harm in a bash.

Two oracles share nothing with the policy: an alphabet, and a shell that runs what was allowed.
"""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from executor.policy.call import PlannedCall
from executor.policy.policy import Policy
from executor.policy.verdict import Allow, Verdict
from tests.examples import examples
from tests.executor.policy.ground import PATH, build, built_in, policy
from tests.yardstick import least_cost

SECONDS = 0.05
CANARY = "canary-7f3a91"

PROGRAMS = st.sampled_from(
    ["ls", "cat", "head -n 3", "grep -r x", "grep -n synthetic", "find", "find . -name", "wc -l",
     "sort", "uniq", "echo", "printf", "pwd", "cd", "git log", "git status", "sed -n 1p",
     "test -f", "true", "diff", "stat", "file", "tr a b", "cut -c1", "basename", "rg x",
     "tail -f", "awk '{print}'", "touch", "mkdir", "tee", "rm", "cp README.md", "mv README.md",
     "sh -c", "env", "xargs", "eval", "command", "exec", "sudo", "timeout 1", "nice", "time",
     "sed -i s/s/z/", "find . -delete", "find . -exec touch {} +", "sort -o", "git commit -m",
     "git -c core.pager=x log", "./x", "bin/x", "chmod 777", "ln -s", "dd of=made if=README.md",
     "python3 -c", "export", "alias", "set", "source"]
)  # fmt: skip
ARGUMENTS = st.sampled_from(
    ["README.md", "src", "src/app.py", ".", "*", "src/*.py", "?", "[a-z]*", "{a,b}", "-", "--",
     "x", "'a b'", '"a b"', "a\\ b", "''", "$HOME", "${HOME}", "$(cat .env)", "`cat .env`",
     '"$(pwd)"', "$((1+1))", "$f", '"$f"', "~", "~root", "../outside.txt", "/etc/passwd",
     "{outer}/outside.txt", ".env", "keys/server.pem", "src/link", "leads_out/outside.txt",
     "src/harmless.txt", "src/../.env", "'.env'", '".e"nv', ".en?", "k*/s*", "leads_out/*",
     "<(cat .env)", "-r", "-f", "-la", "é", "!", "'touch made'", "-exec", "\\;", "{}",
     "--output=made", "-o", "made", "a=b", "#", "%", "\u202e"]
)  # fmt: skip
REDIRECTIONS = st.sampled_from(
    ["", "", "", " 2>/dev/null", " >/dev/null", " 2>&1", " >made", " >>made", " <README.md",
     " <.env", " <../outside.txt", " <<E\nx\nE\n", " <<<x", " &>made", " >|made", " 3<README.md",
     " >&2"]
)  # fmt: skip
MILD_PROGRAMS = st.sampled_from(
    ["ls", "cat", "head -n 3", "grep -r x", "grep -n synthetic", "find", "wc -l", "sort", "echo",
     "cd", "git log", "sed -n 1p", "test -f", "rg x", "diff README.md", "touch", "tee made",
     "cp README.md"]
)  # fmt: skip
MILD_ARGUMENTS = st.sampled_from(
    ["README.md", "src", "src/app.py", ".", "*", "src/*.py", "'a b'", "a\\ b", '"$f"', "-r", "-la",
     ".env", "src/link", "src/harmless.txt", "leads_out/outside.txt", "source/app.py", "-o", "é"]
)  # fmt: skip


def _command(program: str, words: list[str], redirection: str) -> str:
    return " ".join((program, *words)) + redirection


def _of_bytes(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


_COMMANDS = st.builds(
    _command,
    PROGRAMS,
    st.lists(ARGUMENTS, max_size=3),
    REDIRECTIONS,
)


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    joints = st.sampled_from([" && ", " || ", "; ", " | ", " & ", "\n", " |& ", ";", "|"])
    return st.one_of(
        st.builds("".join, st.tuples(inner, joints, inner)),
        inner.map("({})".format),
        inner.map("{{ {}; }}".format),
        inner.map("! {}".format),
        inner.map("echo $({})".format),
        inner.map("cat <({})".format),
        inner.map("for f in src/*.py README.md; do {}; done".format),
        inner.map("while {}; do break; done".format),
        inner.map("case x in x) {};; esac".format),
        inner.map("f() {{ {}; }}; f".format),
        inner.map("coproc {}".format),
        st.builds("if {}; then {}; fi".format, inner, inner),
    )


def _mildly_composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What may still be read with certainty."""
    joints = st.sampled_from([" && ", " || ", "; ", " | ", "\n"])
    return st.one_of(
        st.builds("".join, st.tuples(inner, joints, inner)),
        inner.map("({})".format),
        inner.map("for f in src/*.py README.md; do {}; done".format),
        st.builds("if {}; then {}; fi".format, inner, inner),
    )


_MILD_COMMANDS = st.builds(
    _command,
    MILD_PROGRAMS,
    st.lists(MILD_ARGUMENTS, max_size=2),
    st.sampled_from(["", "", " 2>/dev/null", " <README.md", " <.env"]),
)
LINES = st.one_of(
    st.recursive(_MILD_COMMANDS, _mildly_composed, max_leaves=4),
    st.recursive(_COMMANDS, _composed, max_leaves=5),
    st.lists(ARGUMENTS | PROGRAMS | st.text(max_size=4), max_size=10).map(" ".join),
    st.binary(max_size=60).map(_of_bytes),
    st.text(max_size=60),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = build(tmp_path_factory.mktemp("outer"))
    for name in (".env", "keys/server.pem", "../outside.txt", "AGENTS.md"):
        (root / name).write_text(f"{CANARY}\n")
    (root / "AGENTS.md").write_text("synthetic\n")
    return root


def _decided(made: Policy, call: PlannedCall) -> tuple[Verdict, float]:
    """The verdict, and what it cost: measured with care if that seems to be much."""
    began = time.thread_time()
    verdict = made.decide(call)
    seconds = time.thread_time() - began
    if seconds >= SECONDS:
        seconds = least_cost(lambda: made.decide(call), tries=3)
    return verdict, seconds


@settings(max_examples=examples(300))
@given(line=LINES, trusted=st.booleans())
@example(line="\udcff", trusted=True)
@example(line='for f in src/*.py; do cat "$f"; done | sort', trusted=True)
def test_any_line_is_decided_soon_and_what_is_allowed_is_harmless(
    root: Path, line: str, *, trusted: bool
) -> None:
    line = line.replace("{outer}", str(root.parent))
    with policy(root, trusted=trusted) as made:
        verdict, seconds = _decided(made, built_in("Shell", command=line))

    assert seconds < SECONDS
    if isinstance(verdict, Allow):
        assert _suspicion(line) == ""
        assert CANARY not in _run(line, root)


def _suspicion(line: str) -> str:
    """Characters of `line` that no line that only looks needs, outside quotes and known phrases."""
    bare = re.sub(r"'[^']*'", "Q", line)
    bare = re.sub(
        r"(?<![\w}])[&12]?>\s*/dev/null|[12]?>&[12](?!\w)|&&|\"\$f\"|\$f\b|\\[ ;]", " ", bare
    )
    bare = re.sub(r'"[^"$`\\]*"', "Q", bare)
    # Which file is read, the shell that runs it tells.
    bare = re.sub(r"(?<![<>&])<\s*[\w./][\w./\-]*", " ", bare)
    bare = re.sub(r"(^|\s)#.*", " ", bare)
    return "".join(sorted(set(re.sub(r"[\w\s./:,+@%^=*?(){};|!\-]", "", bare))))


def _picture(folder: Path) -> list[tuple[str, int, int, int]]:
    found: list[tuple[str, int, int, int]] = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found.append((str(path), status.st_mode, status.st_size, status.st_mtime_ns))
    return found


def _run(line: str, root: Path) -> str:
    """What bash says to `line`; fails where anything in the project or beside it has changed."""
    before = _picture(root.parent)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", line],
        cwd=root,
        env={"PATH": PATH, "HOME": str(root.parent), "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=20,
        check=False,
    )
    assert _picture(root.parent) == before, line
    return os.fsdecode(done.stdout)


def test_both_oracles_would_tell(root: Path) -> None:
    assert _suspicion("cat $(x) `y` <<a >b & c") == "$&<>`"
    assert _suspicion('ls src 2>/dev/null && for f in *; do cat "$f"; done # why $(x)') == ""
    assert CANARY in _run("cat src/harmless.txt", root)
    with pytest.raises(AssertionError):
        _run("touch made && false", root)
    (root / "made").unlink()
