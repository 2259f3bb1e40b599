"""Hold the import contracts of pyproject.toml, and that no modules import each other in a circle.

Says nothing of what the modules do.
"""

import graphlib
import subprocess
import sys

import grimp
import pytest

from tests.architecture.sources import PRODUCT, ROOT


def test_every_import_contract_is_kept() -> None:
    # A process of its own: the linter silences every logger that is there.
    check = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_logo=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_import_cycle_exists_even_for_type_checking() -> None:
    graph = grimp.build_graph(*PRODUCT, cache_dir=None)
    imports = {
        module: graph.find_modules_directly_imported_by(module) for module in sorted(graph.modules)
    }

    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
