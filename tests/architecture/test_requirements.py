"""Hold that every required behaviour has a test, and that every test's claim names a real one.

Reads the claims from the source; whether a test deserves its claim is for its reader.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.architecture.sources import CHECKED_SOURCES, Source
from tests.requirements import REQUIREMENTS


def _claims(source: Source) -> Iterator[str]:
    """Every id in a `@covers(...)` of `source`."""
    for node in (*source.functions(), *source.classes()):
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(func=ast.Name(id="covers"), args=ids):
                    yield from (ast.literal_eval(id_) for id_ in ids)
                case _:
                    pass


def test_every_requirement_has_a_test_and_every_claim_a_requirement() -> None:
    claimed = {id_ for source in CHECKED_SOURCES for id_ in _claims(source)}

    assert claimed == {requirement.id for requirement in REQUIREMENTS}


def test_requirements_are_named_once_and_say_something() -> None:
    counted = Counter(requirement.id for requirement in REQUIREMENTS)

    assert [id_ for id_, times in counted.items() if times > 1] == []
    assert [
        requirement
        for requirement in REQUIREMENTS
        if not re.fullmatch(r"R-[A-Z]+-\d+", requirement.id)
        or not requirement.behaviour.endswith(".")
        or not requirement.source
    ] == []
