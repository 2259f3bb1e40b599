"""What a search, a comparison or a `--version` reads that its line does not name.

Decided on real folders; what `rg` and `grep` really read is compared where they are installed.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from executor.policy.unhidden import IGNORE_MAX, MAX_PATTERNS
from executor.policy.verdict import Allow, Ask
from tests.executor.policy.ground import PATH, built_in, make_repository, policy

CANARY = "canary-51c0de"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose only secrets are hidden ones."""
    made = tmp_path_factory.mktemp("outer") / "project"
    for name, text in {
        "src/app.py": "x = 1\n",
        "old/app.py": "x = 2\n",
        ".env": f"SECRET={CANARY}\n",
        "old/.env": f"SECRET={CANARY}-old\n",
        ".hidden/server.pem": f"{CANARY}\n",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    make_repository(made, "src/app.py")
    return made


@pytest.fixture
def root(plain: Path, tmp_path: Path) -> Path:
    """The same, to change."""
    return shutil.copytree(plain, tmp_path / "project")


def _is_allowed(line: str, root: Path, *, trusted: bool = True) -> bool:
    with policy(root, trusted=trusted) as made:
        verdict = made.decide(built_in("Shell", command=line))
    assert isinstance(verdict, Allow | Ask)
    return isinstance(verdict, Allow)


def _shows(line: str, root: Path) -> bool:
    done = subprocess.run(
        ["bash", "-c", line], cwd=root, env={"PATH": PATH}, capture_output=True, check=False
    )
    return CANARY in done.stdout.decode()


SHOWING = [
    "grep -r --exclude --include=zzz SECRET .",
    "grep -r SECRET -- --include=x .",
    "grep -r --exclude=foo --include='*.py' SECRET .",
    "grep -r --include='\\.env' SECRET .",
    "grep -r --include='[^x]env' SECRET .",
    "find . -type f -name '\\.env' -exec cat {} +",
    "find . -type f -name '[^x]env' -exec cat {} +",
    "find . -type f -name '[!x]env' -exec cat {} +",
    "diff . old",
    "diff -N src old",
    "cd src && diff -N . ../old",
]
SHOWING_BY_RIPGREP = [
    "rg -g '.env*' SECRET", "rg -g '*' SECRET", "rg --glob='.*' SECRET", "rg -g '*env' SECRET .",
    "rg -g '{.env,x}' SECRET", "rg -g '[.]env' SECRET", "rg -g '\\.env' SECRET",
    "rg -g '**' SECRET", "rg -g '/.env' SECRET", "rg -g 'old/**' SECRET", "rg -n -g'.e*' SECRET",
    "rg -t py -g '.e*' SECRET", "rg -g --files -g '*' SECRET", "rg -g .hidden -g '*.pem' canary",
    "rg --hidden SECRET",
]  # fmt: skip
SHOWING_NOTHING = [
    "rg SECRET", "rg -g '*.py' x", "rg -g '*.{py,md}' x", "rg -g 'src/**/*.py' x", "rg -g '!x' x",
    "rg --files --hidden", "rg --hidden -g '*.py' x", "rg -g '*.[ch]' x", "rg -n -g'*.py' x src",
    "grep -r --include='*.py' SECRET .", "grep -r --include=app.py SECRET .",
    "diff -u src/app.py old/app.py", "grep -rn --include='*.py' --exclude=foo SECRET .",
    "grep -r --exclude-dir=a --include='*.py' x .",
    "find . -type f -name '*.[ch]' -exec cat {} +", "find . -type f -name '*.py' -exec wc -l {} +",
]  # fmt: skip


@pytest.mark.parametrize("line", SHOWING)
def test_what_shows_a_file_that_it_does_not_name_asks(line: str, plain: Path) -> None:
    assert _shows(line, plain)
    assert not _is_allowed(line, plain)


@pytest.mark.parametrize("line", SHOWING_BY_RIPGREP)
def test_globs_that_show_hidden_files_ask(line: str, plain: Path) -> None:
    if shutil.which("rg", path=PATH):
        assert _shows(line, plain)
    assert not _is_allowed(line, plain)


@pytest.mark.parametrize("line", SHOWING_NOTHING)
def test_searches_that_leave_secrets_out_do_not_ask(line: str, plain: Path) -> None:
    if "rg" not in line or shutil.which("rg", path=PATH):
        assert not _shows(line, plain)
    assert _is_allowed(line, plain)


UNHIDING = [
    (".gitignore", "*.log\n!.env\n"), (".ignore", "!.e*\n"), (".rgignore", "!*\n"),
    (".git/info/exclude", "!/.env\n"), (".gitignore", "!.hidden/\n"), (".gitignore", "!.hidden\n"),
    ("old/.ignore", "!.env\n"), (".gitignore", "!*/\n"), (".gitignore", "!**/.env  \n"),
    (".gitignore", "!\\.env\n"), (".gitignore", "!.[e]nv\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), UNHIDING)
def test_an_ignore_file_that_shows_hidden_secrets_makes_a_search_ask(
    name: str, content: str, root: Path
) -> None:
    (root / name).write_text(content)
    line = f"rg {CANARY}"
    if shutil.which("rg", path=PATH):
        assert _shows(line, root)
    assert not _is_allowed(line, root)
    assert _is_allowed("rg x src/app.py", root)


@pytest.mark.parametrize(
    "content",
    ["!.env.example\n", "!.github/\n!.vscode/settings.json\n", "!*.py\n", ".env\n", "#!.env\n"],
)
def test_an_ignore_file_that_shows_none_of_them_does_not(content: str, root: Path) -> None:
    (root / ".gitignore").write_text(content)
    assert _is_allowed("rg x", root)
    assert _is_allowed("rg x src", root)


def test_an_ignore_file_above_the_folder_that_is_searched_counts(root: Path) -> None:
    (root / ".gitignore").write_text("!.env\n")
    assert not _is_allowed("rg SECRET old", root)
    assert not _is_allowed("cd old && rg SECRET", root)
    assert _is_allowed("rg x src", root)


def test_of_an_ignore_file_that_is_too_long_or_none_nothing_is_known(root: Path) -> None:
    (root / ".gitignore").write_text("#" * IGNORE_MAX + "\n")
    assert not _is_allowed("rg x", root)
    (root / ".gitignore").write_text("".join(f"!x{n}\n" for n in range(MAX_PATTERNS + 1)))
    assert not _is_allowed("rg x", root)
    (root / ".gitignore").unlink()
    os.mkfifo(root / ".gitignore")
    assert not _is_allowed("rg x", root)


def test_what_is_run_for_many_files_at_once_is_judged_with_many(root: Path) -> None:
    assert not _is_allowed("find src -type f -name '*.py' -exec uniq {} +", root)
    assert _is_allowed("find src -type f -name '*.py' -exec uniq {} \\;", root)


CHOSEN = [
    ("yarn", ".yarnrc.yml"), ("yarn", ".yarnrc"), ("yarn", "package.json"),
    ("pnpm", "package.json"), ("cargo", "rust-toolchain.toml"), ("rustc", "rust-toolchain"),
    ("go", "go.mod"), ("python3", ".python-version"), ("node", ".node-version"),
    ("ruby", ".ruby-version"),
    ("java", ".java-version"), ("php", ".php-version"), ("make", ".tool-versions"),
    ("uv", "mise.toml"), ("docker", ".mise.toml"), ("npm", ".config/mise.toml"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "name"), CHOSEN)
def test_a_version_asks_where_a_file_of_the_project_may_name_the_program(
    program: str, name: str, root: Path
) -> None:
    line = f"{program} --version"
    assert _is_allowed(line, root)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("synthetic\n")
    assert not _is_allowed(line, root)
    assert not _is_allowed(f"cd src && {line}", root)


def test_a_link_that_leads_out_may_name_it_too(root: Path) -> None:
    (root / "src" / "rust-toolchain.toml").symlink_to("/nowhere/rust-toolchain.toml")
    assert _is_allowed("cargo --version", root)
    assert not _is_allowed("cd src && cargo --version", root)


def test_before_trust_no_program_that_a_project_may_name_tells_its_version(root: Path) -> None:
    assert not _is_allowed("yarn --version", root, trusted=False)
    assert not _is_allowed("python3 --version", root, trusted=False)
    assert _is_allowed("gcc --version", root, trusted=False)


@pytest.mark.parametrize(
    "line",
    ["grep -nA3 x src/app.py", "grep -A 3 x src/app.py", "head -3 src/app.py", "head -n",
     "head -qn 3 src/app.py", "cut -d, -f1 src/app.py", "sort -t, -k2 src/app.py", "du -d1 src",
     "cat - < src/app.py", "cat -- src/app.py", "rg --glob='*.py' x src"],
)  # fmt: skip
def test_options_are_told_from_words_as_the_program_does(line: str, plain: Path) -> None:
    assert _is_allowed(line, plain)


@pytest.mark.parametrize(
    "line", ["grep -nZ x src/app.py", "head -qx src/app.py", "rg --pre=x y", "rg -nz x", "ls -l9"]
)
def test_an_option_that_is_not_known_asks(line: str, plain: Path) -> None:
    assert not _is_allowed(line, plain)


def test_wildcards_for_the_program_stay_as_they_are_written(plain: Path) -> None:
    assert _is_allowed("grep -rn x src --include=*.py", plain)
    assert not _is_allowed("grep -rn x . --include=.e*", plain)
    assert not _is_allowed("grep -rn x --include=src/*.py *", plain)
    assert not _is_allowed("rg x -g *.py", plain)
