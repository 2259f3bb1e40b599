"""Choose the sandbox of a session, when its first command comes or its mode depends on it.

Looks at the machine at most once a start of it; what each sandbox does is in `executor.sandbox`.
"""

import asyncio
import hashlib
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from executor.errors import SandboxBroken, UsageError, not_set_up
from executor.policy.places import PROTECTED_FOLDERS, PROTECTED_NAMES
from executor.policy.policy import rules_of
from executor.sandbox.launch import Confinement, Launch
from executor.sandbox.premises import EVERYWHERE, Network, Premises
from executor.sandbox.unconfined import Unconfined
from executor.settings import Folders, Settings
from executor.workspace.waiting import in_thread

Told = Callable[[str, str, int, str], None]
"""Mark of a command, host, port, and whether it was `allowed` or `refused`."""
MEND = "or accept the risk with --no-sandbox, or use --mode auto-edit"


class Grounds(msgspec.Struct, frozen=True):
    """What a sandbox is chosen and built by."""

    settings: Settings
    folders: Folders
    project: Path
    environment: Mapping[str, str]
    spill: Path | None = None


class Chosen(msgspec.Struct, frozen=True):
    """Its name as in the settings, `none` where there is none, and why."""

    name: str
    why: str = ""


def chosen(settings: Settings, folders: Folders) -> Chosen:
    """Which sandbox commands get. Raises UsageError where the one that is asked for is not there.

    Costs a read of one small file, and once after each start of the machine some 20 ms.
    """
    from executor.sandbox.detect import find

    wish = settings.sandbox
    if settings.no_sandbox or wish == "none":
        return Chosen("none", "switched off: " + settings.origins.get("sandbox", "--no-sandbox"))
    findings = find(folders.state / "sandbox" / "found.json")
    there = {
        "bubblewrap": findings.bubblewrap is not None,
        "landlock": findings.landlock,
        "seatbelt": findings.seatbelt,
        "container": findings.container is not None,
    }
    if wish == "auto":
        missing = ("seatbelt",) if sys.platform == "darwin" else ("bubblewrap", "landlock")
        why = "; ".join(f"{name}: {findings.why.get(name, '')}" for name in missing)
        return Chosen(findings.best) if findings.best else Chosen("none", why)
    if not there[wish]:
        raise UsageError(f"--sandbox {wish}: {findings.why.get(wish, 'not on this machine')}")
    return Chosen(wish)


def require_for_auto(settings: Settings, folders: Folders) -> None:
    """Raises UsageError where every command would run unasked and unconfined, unaccepted."""
    if settings.no_sandbox:
        return
    choice = chosen(settings, folders)
    if choice.name == "none":
        from executor.sandbox.detect import to_install

        raise UsageError(
            "--mode auto runs every command unasked, and there is no sandbox "
            f"({choice.why}): {to_install()}, {MEND}"
        )


def network_of(settings: Settings, sandbox: str) -> Network:
    """What commands may reach: EVERYWHERE, hosts, or nothing, also where hosts can't be told apart.

    `sandbox` as `Chosen` names it. Of `none` it says nothing: there commands reach what they like.
    """
    by_host = sandbox == "bubblewrap" or settings.network == EVERYWHERE
    return settings.network if by_host else ()


class ChosenLate:
    """A confinement that is made when it is first needed."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds
        self._made: Confinement | None = None
        self._making = asyncio.Lock()
        self._contains: bool | None = None
        self._told: Told = _nobody

    def report_to(self, told: Told) -> None:
        """Who is told which hosts commands reach, and are kept from."""
        self._told = told

    def contains(self) -> bool:
        """Whether commands run in a sandbox, or their user accepts that they do not."""
        if self._contains is None:
            settings = self._grounds.settings
            choice = None if settings.no_sandbox else chosen(settings, self._grounds.folders)
            self._contains = choice is None or choice.name != "none"
        return self._contains

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        made = await self._ready()
        async with made.around(argv, environment, folder) as launch:
            yield launch

    async def _ready(self) -> Confinement:
        async with self._making:
            if self._made is None:
                try:
                    self._made = await in_thread(lambda: _confinement(self._grounds, self._tell))
                except (OSError, SandboxBroken, UsageError) as error:
                    raise not_set_up(error) from error
            return self._made

    def _tell(self, mark: str, host: str, port: int, verdict: str) -> None:
        self._told(mark, host, port, verdict)

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        return "" if self._made is None else await self._made.broken(launch, code, output)

    def hint(self, output: bytes, mark: str) -> str:
        return "" if self._made is None else self._made.hint(output, mark)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()


def _nobody(_mark: str, _host: str, _port: int, _verdict: str) -> None:
    """As long as there is no audit log."""


def _confinement(grounds: Grounds, told: Told) -> Confinement:
    from executor.sandbox.detect import find

    name = chosen(grounds.settings, grounds.folders).name
    if name == "none":
        return Unconfined()
    premises = premises_of(grounds)
    findings = find(grounds.folders.state / "sandbox" / "found.json")
    match name:
        case "bubblewrap" if findings.bubblewrap is not None:
            from executor.sandbox.namespaced import Bubblewrapped

            def bubblewrapped(around: Premises) -> Confinement:
                return Bubblewrapped(around, program, takes_handle=findings.takes_handle)

            program = findings.bubblewrap
            if network_of(grounds.settings, name) in ((), EVERYWHERE):
                return bubblewrapped(premises)
            return _gated(grounds.settings, premises, bubblewrapped, told)
        case "container" if findings.container is not None:
            from executor.sandbox.container import NO_IMAGE, Contained

            if grounds.settings.image is None:
                raise UsageError(NO_IMAGE)
            return Contained(premises, findings.container, grounds.settings.image)
        case "seatbelt":
            from executor.sandbox.belted import Belted

            return Belted(premises)
        case _:
            from executor.sandbox.landlocked import Landlocked

            return Landlocked(premises)


def _gated(
    settings: Settings,
    premises: Premises,
    closed: Callable[[Premises], Confinement],
    told: Told,
) -> Confinement:
    """The sandbox that `closed` makes, with a way out to the hosts of the settings."""
    from executor.network.reach import reach_of
    from executor.sandbox.gated import gated

    rules = rules_of((), (), settings.deny).deny
    denied = tuple(rule.pattern for rule in rules if rule.names("WebFetch") and rule.pattern)
    return gated(premises, closed, reach_of(settings.network, denied), told)


def premises_of(grounds: Grounds) -> Premises:
    """What the sandbox is built around. Raises OSError where the project is gone."""
    settings, folders = grounds.settings, grounds.folders
    allowed = [rule for rule in rules_of(settings.allow, (), ()).allow if rule.names("ReadFile")]
    facts = grounds.project.stat()
    key = hashlib.sha256(str(grounds.project).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Premises(
        project=grounds.project,
        identity=(facts.st_dev, facts.st_ino),
        home=Path(grounds.environment.get("HOME") or "~").expanduser(),
        scratch=folders.state / "sandbox" / key,
        environment=grounds.environment,
        protected=frozenset((*PROTECTED_FOLDERS, *PROTECTED_NAMES)),
        own=(folders.config, folders.state, folders.runtime),
        readable=() if grounds.spill is None else (grounds.spill,),
        writable=tuple(Path(path).expanduser() for path in settings.writable),
        network=settings.network,
        exposed=lambda path: any(rule.pattern and rule.matches_path(path) for rule in allowed),
    )
