"""What `codegen doctor` says of the sandbox: which one commands get, and what that means.

Looks at the machine as a run does; starts nothing of the project.
"""

from collections.abc import Iterator

from executor.bootstrap.confining import chosen
from executor.cli.finding import Finding
from executor.errors import UsageError
from executor.settings import Folders, Settings

MEANING = {
    "bubblewrap": "commands write in the project only, see no home, no other process, no socket, "
    "and no network unless [sandbox] opens it",
    "landlock": "commands write in the project's folders only (not in its first level, not in "
    ".git), see no home, signal nobody, and have no sockets unless [sandbox] opens the network",
    "container": "commands run in a container in which only the project exists",
}
INSTALL = "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"


def sandbox_findings(settings: Settings, folders: Folders) -> Iterator[Finding]:
    try:
        choice = chosen(settings, folders)
    except UsageError as error:
        yield Finding("bad", str(error), INSTALL)
        return
    if choice.name == "none":
        asks = "what is not proven to only look asks first"
        yield Finding("note", f"no sandbox ({choice.why}): {asks}", INSTALL)
        return
    mend = "" if choice.name != "landlock" else f"for less narrow rules: {INSTALL}"
    yield Finding("ok", f"sandbox: {choice.name}: {MEANING[choice.name]}", mend)
    if settings.network:
        yield Finding("note", "commands may use the whole network (network = ['all'])")
    if settings.writable:
        yield Finding("note", f"commands may also write in {', '.join(settings.writable)}")
