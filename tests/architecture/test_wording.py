"""Hold what every file says of itself, and that nothing is silenced or swallowed unseen.

Reads the files; imports none of them.
"""

import ast
import re
import tomllib
from collections.abc import Iterator

from tests.architecture.sources import CHECKED_SOURCES, PRODUCT_SOURCES, ROOT, Function, Source

SILENCED_MAX = 10
BROAD = {"Exception", "BaseException"}

_END = re.compile(r"[.;:](?:\s|$)")
_SILENCED = re.compile(r"#\s*(?:type:\s*ignore|pyright:\s*ignore|pyright:\s*\w+=|noqa)")
_SILENCED_WITH_REASON = re.compile(
    r"#\s*(?:(?:type|pyright):\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)"
    r"[\s#:,-]+\w+\s+\w+"
)


def test_every_module_says_what_it_is_for_and_what_it_leaves_alone() -> None:
    speechless = [
        str(source)
        for source in CHECKED_SOURCES
        if source.tree.body
        and len(_END.findall(ast.get_docstring(source.tree) or "")) < _sentences(source)
    ]

    assert speechless == []


def _sentences(source: Source) -> int:
    """Two for a module of the product; one for a package file, a test or a script."""
    is_package = source.path.name == "__init__.py"
    return 2 if source in PRODUCT_SOURCES and not is_package else 1


def test_a_silenced_checker_is_rare_and_has_a_reason() -> None:
    silenced = [
        (f"{source}:{line}", comment)
        for source in CHECKED_SOURCES
        for line, comment in source.comments
        if _SILENCED.search(comment)
    ]

    assert [place for place in silenced if not _SILENCED_WITH_REASON.search(place[1])] == []
    assert len(silenced) <= SILENCED_MAX, silenced


def test_only_the_named_boundaries_catch_everything() -> None:
    allowed = tomllib.loads((ROOT / "tests/architecture/broad_excepts.toml").read_text())
    found = {place for source in PRODUCT_SOURCES for place in _broad_excepts(source, source.tree)}

    assert found == set(allowed)


def _broad_excepts(source: Source, node: ast.AST, where: str = "module level") -> Iterator[str]:
    """Places that catch everything and do not raise it again, as `module:function`."""
    for child in ast.iter_child_nodes(node):
        if _catches_everything(child):
            yield f"{source.module}:{where}"
        inside = child.name if isinstance(child, Function | ast.ClassDef) else where
        yield from _broad_excepts(source, child, inside)


def _catches_everything(node: ast.AST) -> bool:
    match node:
        case ast.ExceptHandler(body=[*_, ast.Raise(exc=None)]):
            return False
        case ast.ExceptHandler(type=None):
            return True
        case ast.ExceptHandler(type=ast.expr() as caught):
            return _is_broad(caught)
        case ast.Call(func=ast.Attribute(attr="suppress") | ast.Name(id="suppress"), args=caught):
            return any(map(_is_broad, caught))
        case _:
            return False


def _is_broad(caught: ast.expr) -> bool:
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in ast.walk(caught))
