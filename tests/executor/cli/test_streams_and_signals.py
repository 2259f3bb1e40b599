"""`codegen` with a full standard error, and under a Ctrl-C that comes before it has begun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
CODEGEN = (sys.executable, "-P", "-m", "executor.cli.main")

INTERRUPTED_IMPORT = """
import sys
from executor.cli.main import main

class Impatient:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Impatient())
sys.exit(main(["hello"]))
"""

COLLECTS = """
import gc, sys
from executor.cli.main import main

code = main(sys.argv[1:])
print(code, gc.isenabled(), gc.get_freeze_count() > 0)
"""
"""What becomes of garbage once a command has been loaded, and at its end."""


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [((), "2 True True"), (("sessions", "list"), "0 True False")],
    ids=["run", "command"],
)
def test_garbage_is_collected_from_when_all_is_loaded(
    arguments: tuple[str, ...], seen: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", COLLECTS, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert done.stdout.decode().splitlines()[-1] == seen


@pytest.mark.parametrize("name", ["msgspec", "executor.cli.flags", "executor.cli.run", "asyncio"])
def test_a_ctrl_c_amid_the_imports_shows_no_traceback(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", INTERRUPTED_IMPORT.format(name=name)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=20,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(("arguments", "code"), [(("--mode", "wild", "x"), 2), (("--version",), 0)])
def test_a_full_standard_error_does_not_change_how_it_ends(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [*CODEGEN, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            cwd=tmp_path,
            stderr=full,
            stdout=subprocess.PIPE,
            check=False,
            timeout=20,
        )

    assert done.returncode == code
