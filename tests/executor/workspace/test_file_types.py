"""The kinds of files that Grep's `type` names are ripgrep's, and what is no kind is answered."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.workspace import Workspace
from executor.workspace.file_types import UnknownType, globs_of_type, types
from executor.workspace.search import Hit, Request, search
from executor.workspace.secret_names import is_secret
from tests.examples import examples
from tests.requirements import covers

RIPGREP = shutil.which("rg") or ""
SAME_MIN = 50
"""Kinds that any ripgrep since 13 says the same of."""


def _ripgreps() -> dict[str, tuple[str, ...]]:
    if not RIPGREP:
        return {}
    listed = subprocess.run(
        [RIPGREP, "--no-config", "--type-list"], capture_output=True, text=True, check=True
    )
    rows = (line.partition(": ") for line in listed.stdout.splitlines())
    return {name: tuple(globs.split(", ")) for name, _, globs in rows}


RIPGREPS = _ripgreps()
SAME = [name for name, globs in types().items() if RIPGREPS.get(name) == globs]
needs_ripgrep = pytest.mark.skipif(not RIPGREP, reason="there is no ripgrep here")


@needs_ripgrep
def test_the_kinds_are_those_that_ripgrep_knows() -> None:
    assert len(SAME) >= SAME_MIN
    version = subprocess.run([RIPGREP, "--version"], capture_output=True, text=True, check=True)
    if re.match(r"ripgrep 14\.", version.stdout):
        assert [*types()] == SAME


def _filled(glob: str, middle: str, pick: int) -> str:
    """A name that the glob matches, or almost."""
    name = glob.replace("*", middle)
    return re.sub(r"\[([^]]+)\]", lambda found: found[1][pick % len(found[1])], name)


@st.composite
def drawn_files(draw: st.DrawFn) -> tuple[str, str]:
    """A kind, and a name that is of it, or nearly."""
    kind = draw(st.sampled_from([*types()]))
    glob = draw(st.sampled_from(globs_of_type(kind)))
    middle = draw(st.sampled_from(["", "a", "x.y", "-", "\u00e9", "[a]", "a b"]))
    name = _filled(glob, middle, draw(st.integers(0, 9)))
    match draw(st.integers(0, 5)):
        case 0:
            return kind, name.swapcase()
        case 1:
            return kind, f"{name}.bak"
        case 2:
            return kind, f".{name}"
        case _:
            return kind, name


@covers("R-SEARCH-1")
@needs_ripgrep
@given(st.lists(drawn_files(), min_size=8, max_size=40))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_files_of_a_kind_are_those_that_ripgrep_finds(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("project")
    (root / "deep").mkdir()
    for place, (_, name) in enumerate(files):
        if name.strip(".") and not is_secret((name,)):
            (root / ("deep" if place % 2 else ".") / name).write_text("x\n")

    for kind in [kind for kind, _ in files if kind in SAME][:4]:
        assert _found(root, kind) == _found_by_ripgrep(root, kind), kind


def _found(root: Path, kind: str) -> set[str]:
    workspace = Workspace(root)
    request = Request("x", ".", None, False, 0, "files", 1000, 5.0, names=globs_of_type(kind))
    found = {hit.path for hit in search(workspace, request) if isinstance(hit, Hit)}
    workspace.close()
    return found


def _found_by_ripgrep(root: Path, kind: str) -> set[str]:
    options = ("--no-config", "--files", "--no-ignore", "--hidden", "-0", "--type", kind)
    ended = subprocess.run([RIPGREP, *options], cwd=root, capture_output=True, check=False)
    return set(filter(None, ended.stdout.decode().split("\0")))


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("javascript", "js"),
        ("tsx", "ts"),
        ("jsx", "js"),
        ("rs", "rust"),
        ("rb", "ruby"),
        (".py", "py"),
        ("*.py", "py"),
        ("Python", "python"),
        ("pyton", "python"),
        ("c++", "cpp"),
        ("hpp", "cpp"),
        ("yml", "yaml"),
        ("bash", "sh"),
        ("golang", "go"),
        ("dokcer", "docker"),
        ("ipynb", "jupyter"),
        ("kt", "kotlin"),
        ("typescrip", "typescript"),
    ],
)
def test_what_is_no_kind_is_told_with_those_near_it(name: str, near: str) -> None:
    with pytest.raises(UnknownType) as caught:
        globs_of_type(name)

    told = str(caught.value)
    assert told.startswith(f"There is no type {name!r}: near it are ")
    assert near in told.partition(" near it are ")[2].partition(".")[0].split(", ")


@pytest.mark.parametrize("name", ["", "zzzzzz", "\0"])
def test_what_is_near_no_kind_is_told_with_all_of_them(name: str) -> None:
    with pytest.raises(UnknownType, match=r"there are asciidoc, asm, .*, zsh\. For others use"):
        globs_of_type(name)
