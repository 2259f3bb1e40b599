"""What git shows of a secret file that once was tracked goes out without what the file held."""

import subprocess
from pathlib import Path

import pytest

from executor.redaction import RedactedStream
from tests.executor.redaction.texts import redactor

GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.test")
ENV = "# of the shop\nDEBUG=on-at-noon\nexport HOST = db-7.internal # why\n\nodd one here\n"
HIDDEN = ("on-at-noon", "db-7.internal", "odd one here", "horse-9", "mule-8")
FORMS = (
    "log -p", "log -p --reverse", "log -p --graph --color=always", "log -p --word-diff",
    "log -p --no-prefix", "show HEAD~2", "diff HEAD~2 HEAD", "show --cc HEAD~2", "log -p -U0 -m",
)  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")

    def commit(name: str, content: str) -> None:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
        run(root, "add -A")
        run(root, "commit -qm x")

    run(root, "init -q")
    commit("shop/.env", ENV)
    commit("shop/a b.pem", "horse-9\n")
    commit("shop/.env", ENV.replace("here", "mule-8"))
    commit("app.py", "DEBUG = 'stays as it is'\n")
    run(root, "rm -q --cached shop/.env")
    commit(".gitignore", ".env\n")
    return root


def run(root: Path, arguments: str) -> str:
    command = [*GIT, *arguments.split()]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("form", FORMS)
def test_a_patch_of_a_secret_file_shows_names_and_no_values(form: str, repository: Path) -> None:
    text = run(repository, form)
    assert any(value in text for value in HIDDEN) or form == "show --cc HEAD~2"

    safe = redactor().redact(text)

    assert [value for value in HIDDEN if value in safe] == []
    if form == "log -p":
        assert "+# of the shop\n" in safe
        assert "+DEBUG=«secret:DEBUG:" in safe
        assert "+DEBUG = 'stays as it is'\n" in safe
        assert safe.count("\ncommit ") == text.count("\ncommit ")
    assert redactor().redact("") == ""
    made = redactor()
    assert made.put_back(made.redact(text)) == text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_same_is_shown_while_it_comes_in_pieces(form: str, size: int, repository: Path) -> None:
    text = run(repository, form)
    whole = redactor().redact(text)
    stream = RedactedStream(redactor())
    shown = ""
    for start in range(0, len(text), size):
        shown += stream.feed(text[start : start + size])
        assert whole.startswith(shown)
    assert shown + stream.close() == whole


def test_a_patch_that_is_read_from_a_file_with_line_numbers_is_one_too(repository: Path) -> None:
    lines = run(repository, "log -p").splitlines()
    safe = redactor().redact("\n".join(f"{n:6}\t{line}" for n, line in enumerate(lines, 1)))
    assert [value for value in HIDDEN if value in safe] == []


def test_of_a_patch_without_lines_and_of_other_files_nothing_is_taken() -> None:
    for text in (
        "diff --git a/.env b/.env\nold mode 100644\nnew mode 100755\n",
        "diff --git a/x.py b/x.py\n@@ -1 +1 @@\n-DEBUG=on-at-noon\n",
        "the diff --git a/.env tells: DEBUG=on-at-noon\n@@\n+DEBUG=on-at-noon\n",
        "diff --git a/.env.example b/.env.example\n@@ -1 +1 @@\n-DEBUG=on-at-noon\n",
    ):
        assert redactor().redact(text) == text


LINES = [f"host{n}:5432:db:ada:gen-er-{n}" for n in range(1, 15)]
AROUND = (
    "log -p", "log -p -U1", "log -p -U9", "log -p --graph --color=always", "log -p --word-diff",
    "log -p --word-diff --color=always", "diff HEAD~1 HEAD", "show HEAD", "show --cc HEAD",
    "log -p --no-prefix --reverse", "show HEAD~2",
)  # fmt: skip


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of passwords without names, of which lines are changed, added, removed and merged."""
    root = tmp_path_factory.mktemp("passwords")

    def commit(*lines: str) -> None:
        (root / ".pgpass").write_text("\n".join(lines))
        run(root, "add -A")
        run(root, "commit -qm x")

    run(root, "init -q -b main")
    commit(*LINES)
    commit(*LINES[:4], "host5:5432:db:ada:gen-er-5b", *LINES[5:], "# the end")
    run(root, "checkout -q -b side")
    commit(*LINES[:4], "more:5432:db:ada:gen-er-20", "", *LINES[5:])
    run(root, "checkout -q main")
    commit(*LINES[:2], *LINES[5:])
    subprocess.run([*GIT, "merge", "-q", "side"], cwd=root, check=False, capture_output=True)
    commit(*LINES[:2], "both:5432:db:ada:gen-er-21", *LINES[5:])
    return root


@pytest.mark.parametrize("form", AROUND)
def test_lines_around_a_change_and_those_in_the_head_of_a_hunk_are_hidden_too(
    form: str, passwords: Path
) -> None:
    text = run(passwords, form)
    assert "gen-er-" in text
    safe = redactor().redact(text)
    assert "gen-er-" not in safe
    assert safe.count("\ndiff --") == text.count("\ndiff --")
    if "@@@" not in text and "word" not in form:
        assert "\ntotal 8\n" in redactor().redact(f"{text}total 8\n")

    for size in (13, 1000):
        stream = RedactedStream(redactor())
        shown = ""
        for start in range(0, len(text), size):
            shown += stream.feed(text[start : start + size])
            assert "gen-er-" not in shown
        assert "gen-er-" not in shown + stream.close()


def test_the_bytes_of_a_secret_file_are_hidden(tmp_path: Path) -> None:
    run(tmp_path, "init -q")
    (tmp_path / "store.p12").write_bytes(bytes(range(256)) * 4)
    run(tmp_path, "add -A")
    run(tmp_path, "commit -qm x")
    text = run(tmp_path, "show --binary HEAD")
    lines = text[text.index("literal 1024") :].splitlines()
    safe = redactor().redact(text)
    assert len(lines) > 3
    assert not any(len(line) > 10 and line in safe for line in lines)
    assert safe.startswith(text[: text.index("literal 1024")])
