"""The probes by name, from the file beside this one.

Command lines only; who runs them where is the tests' business.
"""

import tomllib
from pathlib import Path
from typing import cast

PROBES = cast(
    "dict[str, str]",
    tomllib.loads(Path(__file__).with_name("probes.toml").read_text(encoding="utf-8")),
)
