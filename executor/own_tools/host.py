"""The process in which one file of the user's tools is loaded: describes it, or runs one function.

    python -m executor.own_tools.host describe FILE
    python -m executor.own_tools.host run FILE NAME SHA256 < parameters

What is printed by the file goes to standard error; the answer alone to standard output.
"""

import asyncio
import copy
import hashlib
import importlib.abc
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast, get_type_hints

import msgspec

from executor.own_tools.definition import Described, schema_of
from executor.own_tools.marking import ATTRIBUTE, Mark

FAILED = 1
BAD_PARAMETERS = 3
CHANGED = 4


def main() -> int:
    """Exit codes: 0, or one of those above with the reason on standard output."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    verb, path, *rest = sys.argv[1:]
    try:
        if verb == "describe":
            answer = msgspec.json.encode(_described(Path(path))).decode()
            code = 0
        else:
            name, digest = rest
            code, answer = _ran(Path(path), name, digest)
    except (Exception, SystemExit) as error:  # whose code would be taken for one of ours
        traceback.print_exc()
        code, answer = FAILED, f"{type(error).__name__}: {error}"
    answers.write(answer)
    answers.flush()
    return code


def _described(path: Path) -> list[Described]:
    functions = _marked(_loaded(path, path.read_bytes()))
    return [
        Described(
            name=mark.name,
            description=inspect.getdoc(function) or "",
            parameters=schema_of(_parameters(function)),
            effect=mark.effect,
        )
        for mark, function in functions
    ]


def _ran(path: Path, name: str, digest: str) -> tuple[int, str]:
    source = path.read_bytes()
    if hashlib.sha256(source).hexdigest() != digest:
        return CHANGED, f"{path.name} has changed since this session began: start a new one."
    function = {mark.name: found for mark, found in _marked(_loaded(path, source))}[name]
    try:
        given = msgspec.json.decode(sys.stdin.buffer.read(), type=_parameters(function))
    except msgspec.ValidationError as error:
        return BAD_PARAMETERS, str(error)
    result = function(**{field: getattr(given, field) for field in given.__struct_fields__})
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    if result is None:
        return 0, ""
    return 0, result if isinstance(result, str) else msgspec.json.encode(result).decode()


class _Bytes(importlib.abc.InspectLoader):
    """Loads the very bytes that were read, so that what was checked is what is run."""

    def __init__(self, path: Path, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_source(self, fullname: str) -> str:
        del fullname
        return importlib.util.decode_source(self._source)

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_source(fullname), str(self._path))


def _loaded(path: Path, source: bytes) -> ModuleType:
    loader = _Bytes(path, source)
    spec = importlib.util.spec_from_loader(path.stem, loader, origin=str(path))
    if spec is None:
        raise ImportError(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    loader.exec_module(module)
    return module


def _marked(module: ModuleType) -> list[tuple[Mark, Callable[..., Any]]]:
    found = [(getattr(each, ATTRIBUTE, None), each) for each in vars(module).values()]
    return [(mark, each) for mark, each in found if isinstance(mark, Mark)]


def _parameters(function: Callable[..., Any]) -> type[msgspec.Struct]:
    """A struct with the function's parameters as fields; raises TypeError for what has no hint."""
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: *args and **kwargs can't be offered to a model")
        if parameter.name not in hints:
            raise TypeError(f"{function.__name__}: the parameter {parameter.name} has no type hint")
        fields.append((parameter.name, hints[parameter.name], *_default(parameter.default)))
    return msgspec.defstruct(
        function.__name__, fields, frozen=True, kw_only=True, forbid_unknown_fields=True
    )


def _default(value: Any) -> tuple[Any, ...]:
    if value is inspect.Parameter.empty:
        return ()
    if isinstance(value, list | dict | set | bytearray):
        return (msgspec.field(default_factory=lambda: copy.deepcopy(cast("Any", value))),)
    return (value,)


if __name__ == "__main__":
    sys.exit(main())
