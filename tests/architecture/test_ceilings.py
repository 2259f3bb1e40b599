"""Hold the size ceilings of the house style.

Counts lines of code: blanks, comments and docstrings are free.
"""

import ast
import statistics
from collections.abc import Sequence

from tests.architecture.sources import CHECKED_SOURCES, PRODUCT_SOURCES, ROOT, Function

MODULE_MEDIAN = 120
MODULE_P90 = 280
MODULE_MAX = 400
WIRE_MODELS = {"protocol.from_executor", "protocol.from_maestro"}
WIRE_MODELS_MAX = 500
FUNCTION_P99 = 50
FUNCTION_MAX = 60
CLASS_MAX = 200
METHODS_MAX = 15
INIT_PARAMETERS_MAX = 6
README_LINES_MAX = 200


def _percentile(numbers: Sequence[int], percent: int) -> float:
    """The smallest of `numbers` that `percent` of them do not exceed; 0 for none."""
    ranked = sorted(numbers)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)] if ranked else 0


def test_most_modules_are_short() -> None:
    sizes = [source.lines_of_code() for source in PRODUCT_SOURCES if source.lines_of_code()]

    assert statistics.median(sizes or [0]) <= MODULE_MEDIAN
    assert _percentile(sizes, 90) <= MODULE_P90


def test_no_module_is_long() -> None:
    too_long = {
        str(source): source.lines_of_code()
        for source in CHECKED_SOURCES
        if source.lines_of_code()
        > (WIRE_MODELS_MAX if source.module in WIRE_MODELS else MODULE_MAX)
    }

    assert too_long == {}


def test_functions_are_short() -> None:
    sizes = {
        f"{source}:{function.lineno} {function.name}": source.lines_of_code(function)
        for source in CHECKED_SOURCES
        for function in source.functions()
    }

    assert {name: size for name, size in sizes.items() if size > FUNCTION_MAX} == {}
    assert _percentile(list(sizes.values()), 99) <= FUNCTION_P99


def test_classes_are_small() -> None:
    too_big = [
        f"{source}:{node.lineno} {node.name}: {problem}"
        for source in CHECKED_SOURCES
        for node in source.classes()
        for problem in _class_problems(node, source.lines_of_code(node))
    ]

    assert too_big == []


def _class_problems(node: ast.ClassDef, lines: int) -> list[str]:
    methods = [child for child in node.body if isinstance(child, Function)]
    init_parameters = max(
        (_parameters(method) for method in methods if method.name == "__init__"), default=0
    )
    found = (
        ("lines of code", lines, CLASS_MAX),
        ("methods", len({method.name for method in methods}), METHODS_MAX),
        ("parameters of __init__", init_parameters, INIT_PARAMETERS_MAX),
    )
    return [f"{count} {what}" for what, count, ceiling in found if count > ceiling]


def _parameters(method: Function) -> int:
    """How many parameters `method` takes beside self."""
    arguments = method.args
    return len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs) - 1


def test_the_readme_is_read_in_three_minutes() -> None:
    for readme in ROOT.glob("README.md"):
        assert len(readme.read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX
