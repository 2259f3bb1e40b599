"""What `codegen doctor` says of the sandbox: which one commands get, and what that means.

Looks at the machine as a run does; starts nothing of the project.
"""

from collections.abc import Iterator

from executor.bootstrap.confining import Chosen, chosen, network_of
from executor.cli.finding import Finding
from executor.errors import UsageError
from executor.sandbox.detect import to_install
from executor.sandbox.premises import EVERYWHERE
from executor.settings import Folders, Settings

MEANING = {
    "bubblewrap": "commands write in the project only, see no home, no other process, no socket, "
    "and no network unless [sandbox] opens it",
    "landlock": "commands write in the project's folders only (not in its first level, not in "
    ".git), see no home, signal nobody, and have no sockets unless [sandbox] opens the network",
    "seatbelt": "commands write in the project only, see no home, no socket, and no network unless "
    "[sandbox] opens it (written without a Mac, and never tried on one)",
    "container": "commands run in a container in which only the project exists",
}


def sandbox_findings(settings: Settings, folders: Folders) -> Iterator[Finding]:
    try:
        choice = chosen(settings, folders)
    except UsageError as error:
        yield Finding("bad", str(error), to_install())
        return
    if choice.name == "none":
        asks = "what is not proven to only look asks first"
        yield Finding("note", f"no sandbox ({choice.why}): {asks}", to_install())
        if settings.network:
            yield Finding("note", f"network: {network_in_force(settings, choice)}")
        return
    mend = "" if choice.name != "landlock" else f"for less narrow rules: {to_install()}"
    yield Finding("ok", f"sandbox: {choice.name}: {MEANING[choice.name]}", mend)
    if settings.network:
        mend = "" if network_of(settings, choice.name) else to_install()
        yield Finding("note", network_in_force(settings, choice), mend)
    if settings.writable:
        yield Finding("note", f"commands may also write in {', '.join(settings.writable)}")


def network_in_force(settings: Settings, choice: Chosen) -> str:
    """What `network` under [sandbox] means for the commands of this sandbox."""
    hosts = ", ".join(settings.network)
    if choice.name == "none":
        return "open: without a sandbox commands reach whatever their user can" + (
            f"; network = {hosts} has no effect" if hosts else ""
        )
    if settings.network == EVERYWHERE:
        return "commands may use the whole network (network = ['all'])"
    if not settings.network:
        return "commands have no network"
    if not network_of(settings, choice.name):
        return (
            f"commands have no network: {choice.name} can't tell hosts apart, so that "
            f"network = {hosts} has no effect (bubblewrap can)"
        )
    return f"commands may reach {hosts} through a filter, and nothing else of the network"
