"""The page that says which test stands for which attack names tests that are there."""

import re
from pathlib import Path

from tests.architecture.sources import ROOT

CLASSES = [*(f"S{number}" for number in range(1, 21)), *"ABCDEF"]


def test_every_class_of_attack_has_tests_that_are_there() -> None:
    page = Path(ROOT, "docs", "security.md").read_text()
    rows = re.findall(r"^\| ([A-F]|S\d+) \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE)
    assert [name for name, _ in rows] == CLASSES
    named = [test for _, tests in rows for test in tests.strip().split(", ")]
    missing = [test for test in named if not Path(ROOT, test).is_file()]
    assert missing == []
