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
