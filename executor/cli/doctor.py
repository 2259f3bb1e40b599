"""`codegen doctor`: look at everything a run needs, and say how to mend what is missing.

Changes nothing, but for starting the private maestro as a run would.
"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from executor.bootstrap.project import wants_trust
from executor.cli.finding import Finding
from executor.cli.finding_sandbox import sandbox_findings
from executor.cli.placing import here, maestro, settings_of, with_kept_keys
from executor.cli.rest import ask
from executor.errors import ExecutorError
from executor.local_maestro.place import provider_environment
from executor.trust import Trust
from executor.view.safe_text import safe_line
from protocol.version import RELEASE

MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}
_SHOWN = 500
"""Characters of a finding: all the variables that could hold a key are among the longest."""


def doctor(server: str | None, token: str | None) -> int:
    """A line for each finding; exit code 1 when something is bad."""
    worst = 0
    for finding in _findings(server, token):
        mend = f"  -> {finding.mend}" if finding.mend else ""
        sys.stdout.write(f"{MARKS[finding.state]}  {safe_line(finding.what, _SHOWN)}{mend}\n")
        sys.stdout.flush()
        worst = max(worst, finding.state == "bad")
    return int(worst)


def _findings(server: str | None, token: str | None) -> Iterator[Finding]:
    yield Finding("ok", f"codegen {RELEASE}, Python {platform.python_version()}")
    configuration = _tried(_configuration, "mend the file that is named")
    yield configuration
    yield from _programs()
    yield _tried(_state, "make the folder writable, or set XDG_STATE_HOME")
    if configuration.state == "bad":
        return  # the rest depends on it
    yield from _trust()
    yield from sandbox_findings(settings_of({}), here())
    if server is None and settings_of({}).server is None:
        yield from _keys()
    yield _tried(lambda: _maestro(server, token), "codegen login keeps tokens and keys")


def _tried(look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding("ok", look())
    except (ExecutorError, OSError) as error:
        return Finding("bad", str(error), mend)


def _configuration() -> str:
    settings_of({})
    file = here().config_file
    return f"configuration: {file}" if file.exists() else f"configuration: none ({file})"


def _programs() -> Iterator[Finding]:
    for name, purpose, needed in (
        ("git", "the Git tool", False),
        ("rg", "fast searches; slower ones work without", False),
        ("sh", "the Shell tool", True),
    ):
        found = shutil.which(name)
        if found:
            yield Finding("ok", f"{name}: {found}")
        else:
            state: Literal["note", "bad"] = "bad" if needed else "note"
            yield Finding(state, f"{name} is not on PATH", f"install it for {purpose}")


def _state() -> str:
    folder = here().state
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    probe = folder / f"probe-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()
    return f"journals: {folder} is writable"


def _trust() -> Iterator[Finding]:
    root = Path.cwd()
    wanted = ", ".join(wants_trust(root))
    if not wanted:
        yield Finding("ok", f"{root}: nothing that needs trust")
        return
    try:
        trusted = Trust(here().state).holds(root)
    except ExecutorError as error:
        yield Finding("bad", str(error), "remove the file that is named")
        return
    if trusted:
        yield Finding("ok", f"{root}: trusted")
    else:
        yield Finding("note", f"{root} is not trusted: {wanted} not used", "codegen --trust")


def _keys() -> Iterator[Finding]:
    """Which are set; that there is none is the maestro's to say, where it needs one."""
    given = provider_environment(with_kept_keys(os.environ, here()))
    keys = sorted(name for name in given if name.endswith("_API_KEY") or name == "HF_TOKEN")
    if keys:
        yield Finding("ok", f"provider keys: {', '.join(keys)}")


def _maestro(server: str | None, token: str | None) -> str:
    endpoint = maestro(server, token, for_prompts=True)
    ask(endpoint, "GET", "/api/v1/sessions?limit=1")
    return f"maestro: {endpoint.shown} answers and lets us in"
