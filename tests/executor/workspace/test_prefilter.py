"""The prefilter rules out no file that matches, and ripgrep and Python agree to the letter."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from executor.workspace import Workspace, search
from executor.workspace.patterns import glob_patterns
from executor.workspace.prefilter import Prefilter, possible, prefilter
from executor.workspace.walk import Pruning
from tests.examples import examples
from tests.requirements import covers

RIPGREP = shutil.which("rg")
needs_ripgrep = pytest.mark.skipif(RIPGREP is None, reason="there is no ripgrep here")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("needle", Prefilter(("needle",))),
        (r"def \w+\(", Prefilter(("def ",))),
        (r"\bTODO\b", Prefilter(("TODO",))),
        ("foo|barn", Prefilter(("barn", "foo"))),
        ("class (One|Two)", Prefilter(("class ",))),
        ("(ab)+c?", Prefilter(("ab",))),
        ("a(?=b)c", Prefilter(("ac",))),
        ("(?i)select", Prefilter(("select",), folded=True)),
        ("x(?i:Select)", Prefilter(("Select",), folded=True)),
        ("café", Prefilter(("caf",))),
        ("(?:one)?two", Prefilter(("two",))),
        ("(?>ab)c", Prefilter(("ab",))),
        ("(?>(?i:ab))c", Prefilter(("ab",), folded=True)),
        ("(?:(?i:ab))+", Prefilter(("ab",), folded=True)),
        ("(?:(?i:ab)|cd)", Prefilter(("ab", "cd"), folded=True)),
        ("a++bc", Prefilter(("bc",))),
        ("|".join(f"{number:02}word" for number in range(40)), None),
        (r"\d+", None),
        ("(foo)?", None),
        ("foo|.", None),
        ("é", None),
        ("", None),
    ],
)
def test_a_match_must_hold_the_rarest_literal(pattern: str, expected: Prefilter | None) -> None:
    assert prefilter(re.compile(pattern)) == expected


ATOMS = st.sampled_from((
    "a", "B", "i", "k", "s", "ss", "é", "\u0131", "\u017f", "\u212a", ".", r"\d", r"\w", r"\s",
    "[ab]", "[^a]", "^", "$", r"\b", "x y", r"\.", "-", "(?i:k)",
))  # fmt: skip


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{0,1}", "+?"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        inner.map(lambda one: f"(?={one}){one}"),
        inner.map(lambda one: f"(?!{one})"),
    )


PATTERNS = st.recursive(ATOMS, _larger, max_leaves=8)
LINES = st.text(alphabet=st.sampled_from("aBbikKsSxy .-1é\u0130\u0131\u017f\u212a\tz"), max_size=12)
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])


@covers("R-SEARCH-1")
@given(PATTERNS, st.lists(LINES, max_size=5), CODECS, st.booleans(), st.booleans())
@example("k", ["\u212a"], "utf-8", True, False)
@example("(?i:s)", ["\u017f"], "utf-8", False, False)
@example("ab", ["ab"], "utf-16", False, False)
@settings(max_examples=examples(400), deadline=None)
def test_no_file_that_matches_is_ruled_out(
    pattern: str, lines: list[str], codec: str, ignore_case: bool, multiline: bool
) -> None:
    flags = re.IGNORECASE if ignore_case else 0
    expression = re.compile(pattern, flags | (re.MULTILINE if multiline else 0))
    wanted = prefilter(expression)
    if wanted is None or not any(expression.search(line) for line in lines):
        return

    content = "\n".join(lines).encode(codec, "ignore")
    text = search.decode(content)
    if text is not None and any(map(expression.search, search.lines_of(text.text))):
        assert wanted.in_python()(content)


@needs_ripgrep
@given(
    PATTERNS, st.lists(st.tuples(st.lists(LINES, max_size=4), CODECS), max_size=6), st.booleans()
)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_ripgrep_rules_out_what_python_does(
    tmp_path_factory: pytest.TempPathFactory,
    pattern: str,
    files: list[tuple[list[str], str]],
    ignore_case: bool,
) -> None:
    wanted = prefilter(re.compile(pattern, re.IGNORECASE if ignore_case else 0))
    if wanted is None or RIPGREP is None:
        return
    folder = tmp_path_factory.mktemp("files")
    contents = {
        (f"f{number}",): "\n".join(lines).encode(codec, "ignore")
        for number, (lines, codec) in enumerate(files)
    }
    for (name,), content in contents.items():
        (folder / name).write_bytes(content)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = list(possible(list(contents), wanted, RIPGREP))

    may_match = wanted.in_python()
    # ripgrep folds letters beyond ASCII too: it may keep more, which is then searched in vain.
    assert {path for path, content in contents.items() if may_match(content)} <= set(found)


def test_a_ripgrep_that_fails_rules_nothing_out(tmp_path: Path) -> None:
    broken = tmp_path / "rg"
    broken.write_text("#!/bin/sh\nexit 2\n")
    broken.chmod(0o755)
    paths = [("a",), ("b",)]

    assert list(possible(paths, Prefilter(("x",)), str(broken))) == paths
    assert list(possible(paths, Prefilter(("x",)), str(tmp_path / "missing"))) == paths


def test_of_each_batch_what_ripgrep_names_is_kept_in_order(tmp_path: Path) -> None:
    """A program in its place names the last of the files that it is given, and says that it did."""
    scripted = tmp_path / "rg"
    scripted.write_text("#!/bin/sh\nshift $(($# - 1)); printf '%s\\0' \"$1\"\n")
    scripted.chmod(0o755)
    paths = [(f"{number:03}",) for number in range(300)]

    found = list(possible(paths, Prefilter(("x",)), str(scripted)))
    assert found == [("255",), ("299",)]
    assert list(possible(paths[:256], Prefilter(("x",)), str(scripted))) == [("255",)]
    assert list(possible([], Prefilter(("x",)), str(scripted))) == []


NAMES = st.sampled_from(["a", "b.py", "c.txt", ".h", "-d", "e f", "[x]", "é", "n\nl", "sub.py"])
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join), LINES, min_size=1, max_size=12
)
RULES = (
    "a", "/a", "a/", "*.py", "!b.py", "**/c.txt", "a/**", "!a/b.py", "-d", r"e\ f", "e f ", "#x",
    r"\[x\]", "[x]", "*", "!*/", "!*.txt", "a/*", "?.py", "**", ".h", "sub.py/*", "!a/",
)  # fmt: skip
IGNORED = st.lists(st.sampled_from(RULES), max_size=5)


def _grown(root: Path, tree: dict[str, str]) -> None:
    for name, text in tree.items():
        path = root / name
        if any(parent.is_file() for parent in path.parents) or path.is_dir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _plain(env: dict[str, str]) -> dict[str, str]:
    return {"HOME": "/nonexistent", "PATH": os.environ["PATH"], **env}


@covers("R-SEARCH-2")
@needs_ripgrep
@given(TREES, IGNORED, IGNORED, IGNORED)
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_listing_is_gits_and_ripgreps(
    tmp_path_factory: pytest.TempPathFactory,
    tree: dict[str, str],
    rules: list[str],
    nested: list[str],
    excluded: list[str],
) -> None:
    root = tmp_path_factory.mktemp("project")
    _grown(root, tree)
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    (root / ".git/info/exclude").write_text("\n".join(excluded))
    (root / ".gitignore").write_text("\n".join(rules))
    if (root / "a").is_dir():
        (root / "a/.gitignore").write_text("\n".join(nested))

    workspace = Workspace(root)
    listing = workspace.walk(".", Pruning())
    workspace.close()

    ours = {"/".join(one.path) for one in listing.entries if one.kind == "file"}
    files = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()]
    files = [name for name in files if not name.startswith(".git/")]
    ended = subprocess.run(
        ["git", "check-ignore", "-z", "--stdin", "--no-index"],
        cwd=root,
        input="\0".join(files).encode(),
        capture_output=True,
        check=False,
        env=_plain({}),
    )
    assert ended.returncode in (0, 1), ended.stderr
    ignored = set(ended.stdout.decode().split("\0"))
    assert ours == set(files) - ignored
    globs = glob_patterns("**/*.py")
    by_glob = {name for name in ours if any(one.matches(name.split("/")) for one in globs)}
    everything = subprocess.run(
        [RIPGREP or "", "--no-config", "--files", "--no-ignore", "--hidden", "-0", "-g", "*.py"],
        cwd=root,
        capture_output=True,
        check=False,
        env=_plain({}),
    )
    listed = set(everything.stdout.decode().split("\0")) - ignored
    assert by_glob == {name for name in listed if name and not name.startswith(".git/")}
