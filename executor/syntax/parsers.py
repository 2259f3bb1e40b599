"""Parse a text as Python, JSON, TOML or YAML, and tell the first error.

Builds no object that the text describes, and runs none of its code. What nests too deeply for the
parser is not judged: None.
"""

import json
import sys
import tomllib
import warnings
from collections.abc import Callable

import yaml

from executor.syntax.trouble import Trouble, trouble
from executor.workspace.text import Text

_FINE = Trouble()


def _python(text: Text) -> Trouble | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is only doubtful is a linter's business
            compile(text.encode(), "file", "exec", dont_inherit=True)
    except SyntaxError as error:
        return trouble(error.msg, error.lineno or None)
    except ValueError as error:
        return trouble(error, None)
    except (RecursionError, MemoryError):
        return None
    return _FINE


def _json(text: Text) -> Trouble | None:
    try:
        json.loads(text.text, parse_int=len)  # the number of digits: it may be too long for an int
    except json.JSONDecodeError as error:
        return trouble(error.msg, error.lineno)
    except RecursionError:
        return None
    return _FINE


def _toml(text: Text) -> Trouble | None:
    try:
        tomllib.loads(text.text)
    except tomllib.TOMLDecodeError as error:
        return trouble(error, None)  # it names line and column
    except ValueError as error:
        return trouble(error, None)
    except RecursionError:
        return None
    return _FINE


def _yaml(text: Text) -> Trouble | None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for _ in yaml.parse(text.text, Loader=loader):
            pass  # events alone: an alias is not followed, a tag not looked up
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line + 1
        return trouble(error.problem or error.context or error, line)
    except yaml.YAMLError as error:
        return trouble(error, None)
    except RecursionError:
        return None
    return _FINE


CHECKERS: dict[str, Callable[[Text], Trouble | None]] = {
    "python": _python,
    "json": _json,
    "toml": _toml,
    "yaml": _yaml,
}
TITLES = {
    "python": f"Python {sys.version_info.major}.{sys.version_info.minor}",
    "json": "JSON",
    "toml": "TOML",
    "yaml": "YAML",
}
