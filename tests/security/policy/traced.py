"""Run command lines in a scratch project under strace, and tell what they touched.

    python -m tests.security.policy.traced --count 2000 --seed 7

Makes lines, lets the policy decide, and runs those that it calls harmless for real. The scratch
project holds links that lead out, secrets, and canaries outside.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from executor.policy.command_line import PlainCommands, take_apart
from executor.policy.verdict import Allow
from executor.policy.wrappers import unwrapped
from executor.process.environment import clean_environment
from executor.process.programs import shell_argv
from tests.executor.policy.ground import PATH, build, built_in, make_repository, policy

STRACE = shutil.which("strace")
SHELLS = {"bash", "sh", "dash"}
_CALLS = (
    "execve,execveat,open,openat,openat2,creat,unlink,unlinkat,rename,renameat,renameat2,link,"
    "linkat,symlink,symlinkat,mkdir,mkdirat,rmdir,chmod,fchmodat,chown,lchown,fchownat,truncate,"
    "mknod,mknodat,connect,ptrace,mount,setxattr"
)
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\((?P<rest>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+)")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OPENS = {"open", "openat", "openat2", "creat"}
_WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
_NOWHERE = {"/dev/null", "/dev/tty"}


@dataclass
class Touched:
    """What a line did, as the kernel saw it."""

    ran: set[str] = field(default_factory=set[str])
    """Names of the programs that were started."""
    read: set[str] = field(default_factory=set[str])
    """Real paths of what was opened."""
    deeds: list[str] = field(default_factory=list[str])
    """Calls that change something, other than opening /dev/null to write."""


def traced(line: str, root: Path, log: Path) -> Touched:
    """Run `line` as the Shell tool does, but for 10 s at the most."""
    assert STRACE is not None
    subprocess.run(
        [STRACE, "-f", "-qq", "-s", "4096", "-y", "-e", f"trace={_CALLS}", "-o", str(log),
         *shell_argv(line)],
        cwd=root,
        env=clean_environment({"PATH": PATH, "HOME": str(root.parent / "home")}, "test"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=10,
        check=False,
    )  # fmt: skip
    touched = Touched()
    for entry in log.read_text(errors="replace").splitlines():
        call = _CALL.match(entry)
        if call is not None and not call["result"].startswith("-"):
            _note(touched, call["name"], call["rest"], entry)
    return touched


def _note(touched: Touched, name: str, rest: str, entry: str) -> None:
    paths = _PATH.findall(rest)
    if name.startswith("execve"):
        touched.ran.add(os.path.basename(paths[0]))
    elif name in _OPENS:
        opened = entry.rpartition("<")[2].rstrip(">")  # -y tells where the handle leads
        if _WRITING.search(rest) and opened not in _NOWHERE:
            touched.deeds.append(entry)
        touched.read.add(os.path.realpath(opened))
    else:
        touched.deeds.append(entry)


def scratch(outer: Path) -> Path:
    """The project of the policy's tests, as a repository that tracks no secret."""
    root = build(outer)
    shutil.rmtree(root / ".git")
    (root / "src" / "notes").unlink()
    (outer / "home").mkdir()
    (root / "src" / "more.py").write_text("def main():\n    return 1\n")
    make_repository(root, "README.md", "src/app.py", "src/more.py")
    return root


def programs_of(line: str) -> set[str]:
    """The programs that `line` names, behind wrappers and `-exec` too."""
    taken = take_apart(line)
    assert isinstance(taken, PlainCommands)
    named: set[str] = set()
    for command in taken.commands:
        current = command
        while True:
            named.add(current.words[0])
            if "-exec" in current.words:
                behind_exec = current.words.index("-exec") + 1
                named.update(current.words[behind_exec : behind_exec + 1])
            behind = unwrapped(current)
            if isinstance(behind, str):
                named |= programs_of(behind)
            if behind is None or isinstance(behind, str):
                break
            current = behind
    return named


def faults(line: str, touched: Touched, root: Path) -> list[str]:
    """Why `line` was not harmless after all."""
    outer = root.parent
    found = [f"did {deed}" for deed in touched.deeds]
    found += [f"ran {name}" for name in sorted(touched.ran - programs_of(line) - SHELLS)]
    for path in map(Path, sorted(touched.read)):
        if path.is_relative_to(outer) and not path.is_relative_to(outer / "home"):
            inside = path == root or path.is_relative_to(root)
            if not inside or path.name in (".env", "server.pem"):
                found.append(f"opened {path}")
    return found


def picture(outer: Path) -> dict[str, str]:
    """Every file and link beneath `outer`, by content."""
    told: dict[str, str] = {}
    for path in sorted(outer.rglob("*")):
        if path.is_symlink():
            told[str(path)] = os.readlink(path)
        elif path.is_file():
            told[str(path)] = sha256(path.read_bytes()).hexdigest()
        else:
            told[str(path)] = "folder"
    return told


_PROGRAMS = (
    "ls", "cat", "head -n 2", "tail -n 1", "wc -l", "sort", "uniq", "grep x", "grep -rn main",
    "grep -c x", "rg main", "find", "sed -n 1,2p", "stat", "file", "diff README.md", "cut -f 1",
    "git status", "git log --oneline", "git diff", "git show", "git grep main", "git log -p --",
    "git blame", "git cat-file -p", "echo", "test -f", "realpath", "du -s", "od -c", "tac", "rm",
    "touch", "cp README.md", "tee", "sh", "python3", "env", "sort -o", "uniq README.md", "date",
    "find src -type f -exec cat {} +", "find . -type f -name '*.py' -exec grep -l x {} \\;",
)  # fmt: skip
_ARGUMENTS = (
    "src", "README.md", "src/app.py", ".env", "../outside.txt", "leads_out/outside.txt", "keys",
    "src/link", "src/harmless.txt", "keys/server.pem", "src/*.py", "src/*", "./*.md", "*", "-r",
    "-exec", "HEAD", "HEAD:.env", "HEAD:src/app.py", "-n", "--", "-o", "out", "$f", '"$f"', "'a b'",
    "source/app.py", ".", "..", "~", "{a,b}", "$(id)", "`id`", "/etc/hostname", "-name", "'*.py'",
    "2>/dev/null", "> out", "< README.md", "< .env", "\\", "#", "-delete", "\\;", "x=y", "&", "é",
)  # fmt: skip
_FRAMES = (
    "{a}", "{a}", "{a} && {b}", "{a} | {b}", "{a}; {b}", "{a} || {b}", "({a}; {b})", "{{ {a}; }}",
    "! {a}", "if {a}; then {b}; fi", "if {a}; then {b}; else {c}; fi", "cd src && {a}",
    "(cd src && {a}); {b}", "for f in README.md src/*.py .env; do {a}; done",
    'for f in src/app.py src; do {a} "$f"; done', "timeout 5 {a}", "bash -c '{a}'",
    'sh -c "{a}"', "nice {a} | {b}", "{a} # {b}", "{a}\n{b}", "time {a}", "command {a}",
    "command cd src && {a}", "{a} 2>&1 | {b}",
)  # fmt: skip


def made_lines(seed: int) -> Iterator[str]:
    """Lines without end, many of them hostile."""
    chance = random.Random(seed)

    def command() -> str:
        words = [chance.choice(_PROGRAMS)]
        words += chance.choices(_ARGUMENTS, k=chance.choice((0, 1, 1, 1, 2, 2, 3)))
        return " ".join(words)

    while True:
        yield chance.choice(_FRAMES).format(a=command(), b=command(), c=command())


def harmless_lines(seed: int, root: Path) -> Iterator[str]:
    """Of those, each once, what the policy allows as only looking."""
    seen: set[str] = set()
    with policy(root) as made:
        for line in made_lines(seed):
            if line not in seen and made.decide(built_in("Shell", command=line)) == Allow(
                "it only looks"
            ):
                seen.add(line)
                yield line


def main() -> int:
    parser = argparse.ArgumentParser(description="run what the policy calls harmless under strace")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as trace:
        root = scratch(Path(folder))
        before = picture(Path(folder))
        for _, line in zip(range(options.count), harmless_lines(options.seed, root), strict=False):
            for fault in faults(line, traced(line, root, Path(trace.name)), root):
                bad += 1
                sys.stdout.write(f"{line!r}: {fault}\n")
        bad += picture(Path(folder)) != before
    sys.stdout.write(f"{options.count} lines, {bad} faults\n")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
