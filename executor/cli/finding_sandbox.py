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
    "and no network but what [sandbox] allows",
    "landlock": "commands write in the project's folders only (not in its first level, not in "
    ".git), see no home, signal nobody, and have no sockets at all",
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
        yield Finding("note", f"commands may reach {', '.join(settings.network)}")
    if settings.writable:
        yield Finding("note", f"commands may also write in {', '.join(settings.writable)}")
