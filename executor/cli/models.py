"""`codegen models`: what can be had with the keys at hand.

The table of providers is the maestro's; this asks its program.
"""

import json
import os
import subprocess
import sys

from executor.cli.placing import here, with_kept_keys
from executor.errors import ServerUnreachable
from executor.local_maestro.place import provider_environment

SECONDS = 20.0
_DEFAULT = ", the default"
"""The end of one line of the table at most."""


def models() -> int:
    """Print the maestro's table."""
    sys.stdout.write(table())
    return 0


def provider_names() -> tuple[str, ...]:
    """The providers that there are, local ones among them."""
    return tuple(line.split()[0] for line in table().splitlines() if line.strip())


def default_model() -> str:
    """What is asked where nobody names a model; empty where that can't be told."""
    try:
        lines = [line.split() for line in table().splitlines() if line.endswith(_DEFAULT)]
    except (ServerUnreachable, OSError, subprocess.TimeoutExpired):
        return ""
    return lines[0][1] if lines else ""


def table() -> str:
    """A line for each provider, its name first; keys go to the maestro's program by pipe."""
    told = json.dumps(provider_environment(with_kept_keys(os.environ, here())))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "maestro", "models", "--environment-from-stdin"],
        cwd="/",
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": os.environ.get("HOME", "/")},
        input=told,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise ServerUnreachable(done.stderr.strip() or "the maestro's program failed")
    return done.stdout
