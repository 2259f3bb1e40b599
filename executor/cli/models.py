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


def models() -> int:
    """Print the maestro's table; keys go to it by pipe."""
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
    sys.stdout.write(done.stdout)
    return 0
