"""The table of tools: by their own names, and loaded one by one."""

import subprocess
import sys

from executor.tools import TOOLS
from tests.requirements import covers

LOADED = """
import sys
from executor.tools import TOOLS
assert "Grep" in TOOLS and "Nothing" not in TOOLS and len(TOOLS) == len([*TOOLS])
TOOLS["GetWorkingDirectory"]
print(*(name for name in sys.modules if name.startswith("executor.tools.")))
"""


def test_each_tool_is_listed_by_the_name_in_its_contract() -> None:
    assert {name: tool.contract.name for name, tool in TOOLS.items()} == {
        name: name for name in TOOLS
    }
    assert TOOLS["Edit"] is TOOLS["Edit"]


@covers("R-PERF-1")
def test_a_tool_is_loaded_when_it_is_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.split() == ["executor.tools.get_working_directory"]
