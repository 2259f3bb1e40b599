"""Hold what the tree as a whole must be: test packages, no foreign addresses, all pins in place.

Looks at the files that git tracks or would track.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import PRODUCT, ROOT

# Put together so that this file does not hold what it looks for.
FOREIGN = re.compile(
    "|".join(
        (
            r"pypi\." + r"org",
            r"python" + r"hosted",
            r"npm" + r"js\.org",
            r"index-" + r"url\s*=?\s*\S*:" + "//",
            r"(?<![\w.$}~])/" + r"work/",
        )
    )
)

_GUIDE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
_PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_PROJECT = _PYPROJECT["project"]


@pytest.fixture(scope="module")
def files() -> list[Path]:
    listed = subprocess.run(
        [
            *("git", "-c", "safe.directory=*", "ls-files", "-z"),
            *("--cached", "--others", "--exclude-standard"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_registry_or_the_place_it_was_written_in(files: list[Path]) -> None:
    found = {
        path.relative_to(ROOT).as_posix(): match.group()
        for path in files
        if (match := FOREIGN.search(path.read_text(encoding="utf-8", errors="replace")))
    }

    assert found == {}


def test_no_lock_file_with_addresses_is_kept(files: list[Path]) -> None:
    locks = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "pdm.lock"}

    assert [path for path in files if path.name in locks] == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}

    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_room_has_a_row_in_the_guide_to_the_tree() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", _GUIDE, re.MULTILINE)
    rooms = {
        folder.parent.name
        for package in ("maestro", "executor")
        for folder in (ROOT / package).glob("*/__init__.py")
    }

    assert rooms - {name for row in rows for name in re.findall(r"\w+", row)} == set()


@pytest.mark.parametrize(("pins", "extras"), [("base", ()), ("team", ("team",)), ("dev", ("dev",))])
def test_every_dependency_is_pinned_with_hashes_inside_its_bounds(
    pins: str, extras: tuple[str, ...]
) -> None:
    text = (ROOT / f"requirements/{pins}.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)((?:.*\\\n)*.*)", text, re.MULTILINE)
    pinned = {canonicalize_name(name): version for name, version, _ in blocks}
    wanted = [Requirement(line) for line in _asked_for(extras)]

    assert [name for name, _, rest in blocks if "--hash=sha256:" not in rest] == []
    assert [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"))
    ] == []


def _asked_for(extras: tuple[str, ...]) -> list[str]:
    """The lines of pyproject.toml for the base and `extras`, references to itself apart."""
    lines = [*_PROJECT["dependencies"]]
    for extra in extras:
        lines += _PROJECT["optional-dependencies"][extra]
    return [line for line in lines if not line.startswith(_PROJECT["name"])]


def test_the_product_imports_only_what_it_declares() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in _asked_for(("team",))}
    graph = grimp.build_graph(*PRODUCT, include_external_packages=True, cache_dir=None)
    outside = {name for name in graph.modules if graph.is_module_squashed(name)}
    distributions = packages_distributions()

    undeclared = {
        name
        for name in outside - sys.stdlib_module_names
        if declared.isdisjoint(map(canonicalize_name, distributions.get(name, [])))
    }

    assert undeclared == set()


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())

    assert {
        path.relative_to(ROOT).as_posix()
        for package in PRODUCT
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } <= held
