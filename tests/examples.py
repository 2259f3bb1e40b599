"""How many examples each property test tries: its own number, or CODEGEN_EXAMPLES for a long run.

Settles a number and nothing else; `tests/conftest.py` loads it into hypothesis's profile.
"""

import os


def examples(usual: int) -> int:
    """`usual`, unless the environment asks for another number of them all."""
    return int(os.environ.get("CODEGEN_EXAMPLES") or usual)
