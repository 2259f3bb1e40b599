"""Put one session together: journal, link, policy, tools, workspace, view.

Opens what a session holds and closes it again; what happens in between is `session`'s.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec

from executor.audit import AuditLog
from executor.bootstrap.checkpoints import SessionCheckpoints, Surroundings
from executor.bootstrap.confining import ChosenLate, Grounds, Told, require_for_auto
from executor.bootstrap.guarding import Guards, guards_of
from executor.bootstrap.outputs import Outputs, open_outputs, remove_old
from executor.bootstrap.own_tools import custom_tools
from executor.bootstrap.project import Project, plan_is_kept, project_spec, workspace_facts
from executor.bootstrap.reaching import clipboard, pages
from executor.bootstrap.reads import SeenFiles
from executor.clipboard.clipboard import Clipboard
from executor.errors import JournalError, ServerRefused
from executor.journal import (
    FirstWords,
    Journal,
    create_journal,
    delete_journal,
    journal_without_file,
    open_journal,
    prune,
)
from executor.link import Endpoint, Link, Pace, Revive
from executor.link.websocket import open_websocket
from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.off_limits import left_out
from executor.policy.policy import Policy, rules_of
from executor.process.environment import absolute_entries
from executor.process.kept import Unfinished
from executor.process.nursery import Nursery
from executor.process.outliving import Elsewhere, all_kept, listed
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.sandbox.premises import EVERYWHERE
from executor.session import RunOver, Session, SessionParts, SessionStart
from executor.session.parts import CustomToolRunner, Emit
from executor.session.settling import settle_strays
from executor.session.start import NewSession, ResumedSession
from executor.settings import Folders, Settings
from executor.tool_context import ToolContext
from executor.tools import TOOLS
from executor.view.port import Notice, View
from executor.web.pages import Pages
from executor.workspace import Workspace
from executor.workspace.waiting import in_stoppable_thread, in_thread
from protocol.from_executor import RunLimits, RunWishes


class Opening(msgspec.Struct, frozen=True):
    """What the user asked for: a first prompt, or an earlier session by its journal."""

    prompt: str
    journal_id: str | None = None
    session_id: str | None = None
    """Of a session that this machine has no journal of."""
    take_over: bool = False

    @property
    def resumes(self) -> bool:
        return self.journal_id is not None or self.session_id is not None


class World(msgspec.Struct, frozen=True):
    """Where a session takes place, and whom it reaches."""

    project: Project
    settings: Settings
    folders: Folders
    environment: Mapping[str, str]
    endpoint: Endpoint
    revive: Revive | None = None
    nursery: Nursery | None = None
    """Of commands, where it was started early."""


class Composed(msgspec.Struct, frozen=True):
    session: Session
    policy: Policy
    journal: Journal
    checkpoints: SessionCheckpoints

    def say(self, text: str, *, run: RunWishes | None = None) -> None:
        """`text` to the session, behind what its model must know of undos. See `Session.say`."""
        news = self.checkpoints.news()
        self.session.say(f"{news}\n\n{text}" if news else text, run=run)

    def interrupt(self, reason: str = "") -> None:
        self.session.interrupt(reason)

    async def run_over(self) -> RunOver:
        return await self.session.run_over()


@asynccontextmanager
async def composed(
    opening: Opening, world: World, view: View, *, attended: bool
) -> AsyncGenerator[Composed]:
    """A session ready to `run`; its processes, journal and workspace are closed at the end.

    `attended`: somebody sits there and may wait for a run that is parked.
    """
    settings, folders = world.settings, world.folders
    if settings.mode == "auto":
        require_for_auto(settings, folders)
    state = _policy_state(settings, trusted=world.project.trusted)
    held = _Held.of(opening, world, Workspace(world.project.root, left_out(state.rules.deny)))
    refused = False
    try:
        made = await _made(opening, world, view, held, state, attended=attended)
        try:
            async with _tidying(folders), aclosing(made.checkpoints):
                try:
                    yield made
                finally:  # what they change until their end is kept as well
                    await held.processes.end_all()
        except ServerRefused:
            refused = opening.journal_id is None and opening.session_id is not None
            raise
    finally:
        await held.close()
        if refused:
            delete_journal(folders.state, held.journal.journal_id)  # of a session that is none
        held.workspace.close()


async def _made(
    opening: Opening, world: World, view: View, held: "_Held", state: PolicyState, *, attended: bool
) -> Composed:
    """Of what is held: what earlier processes left is settled before anything can read it."""
    project, settings, folders = world.project, world.settings, world.folders
    for trouble in await in_thread(lambda: _strays_settled(folders.state, project.root)):
        view.show(Notice(trouble, "warning"))
    if opening.journal_id is not None:  # commands in the background belong to no open call
        await held.processes.end_survivors()
    ground = ProjectGround(held.workspace, absolute_entries(world.environment.get("PATH", "")))
    policy = Policy(state, ground, held.confinement.contains)
    shells = _shells(held, world, resumed=opening.resumes)
    checkpoints = SessionCheckpoints(
        Surroundings(
            *(folders, held.workspace, held.journal, view, policy.only_looks),
            background=lambda: shells.in_background,
        )
    )
    own = await asyncio.to_thread(custom_tools, folders, world.environment)
    guards = guards_of(
        project,
        settings,
        world.endpoint,
        world.environment,
        (folders.state, held.journal.journal_id),
    )
    held.confinement.report_to(_reporting(held.journal.journal_id, guards.audit))
    extras = _Extras(checkpoints, own, shells, guards)
    parts = _parts(held, world, view, policy, extras)
    start = SessionStart(
        opening=_opened(opening, held.journal),
        project_spec=project_spec(project, held.workspace, guards.redactor.redact),
        workspace=workspace_facts(project.root, dict(world.environment)),
        run=wishes(settings),
        model=settings.model or "",
    )
    session = Session(parts, start, stop_when_parked=not attended)
    return Composed(session, policy, held.journal, checkpoints)


class _Held(msgspec.Struct, frozen=True):
    """What is open as long as the session is."""

    workspace: Workspace
    journal: Journal
    outputs: Outputs
    confinement: ChosenLate
    processes: Processes

    @classmethod
    def of(cls, opening: Opening, world: World, workspace: Workspace) -> "_Held":
        project, settings, folders = world.project, world.settings, world.folders
        journal = _journal(opening, folders.state, project.root, world.endpoint)
        outputs = open_outputs(folders.state, journal.journal_id)
        confinement = ChosenLate(
            Grounds(settings, folders, project.root, world.environment, outputs.path)
        )
        processes = Processes(journal.journal_id, world.environment, world.nursery, confinement)
        return cls(workspace, journal, outputs, confinement, processes)

    async def close(self) -> None:
        """All but the workspace."""
        await self.processes.close()
        self.outputs.close()
        self.journal.close()


class _Extras(msgspec.Struct, frozen=True):
    checkpoints: SessionCheckpoints
    own_tools: Mapping[str, CustomToolRunner]
    shells: Shells
    guards: Guards


def _parts(held: _Held, world: World, view: View, policy: Policy, extras: _Extras) -> SessionParts:
    settings = world.settings
    shells = extras.shells
    contexts = _Contexts(
        held,
        SeenFiles(),
        shells,
        settings.commit_trailer or "",
        pages(policy.state.rules.allow),
        clipboard(world.environment, world.project.root, view),
        extras.guards.redactor.unfinished,
    )
    return SessionParts(
        link=Link(
            world.endpoint,
            open_websocket,
            revive=world.revive,
            pace=Pace(give_up=settings.reconnect_seconds),
        ),
        journal=held.journal,
        view=view,
        workspace=held.workspace,
        tools=TOOLS,
        custom_tools=extras.own_tools,
        decide=policy.decide,
        git_within=policy.git_within,
        remember=policy.remember,
        keep_rule=_keeping(world.folders),
        shells=shells,
        context=contexts.of,
        end_survivors=held.processes.end_survivors,
        checkpoints=extras.checkpoints,
        redactor=extras.guards.redactor,
        audit=extras.guards.audit,
        keep_plan=plan_is_kept(settings.mode),
    )


def _shells(held: _Held, world: World, *, resumed: bool) -> Shells:
    """With those commands that an earlier process of the session has left at work."""
    settings, folders, journal_id = world.settings, world.folders, held.journal.journal_id
    keeper = None
    if settings.keep_background:
        from executor.bootstrap.keeping import Keepers

        root = world.project.root
        keeper = Keepers(settings, folders, root, world.environment, journal_id)
    shells = Shells(held.workspace, resumed=resumed, keeper=keeper)
    if resumed:
        for kept in listed(folders.state):
            if kept.journal_id == journal_id:
                shells.adopt(Elsewhere(all_kept(folders.state) / kept.key, kept))
    return shells


def _strays_settled(state: Path, root: Path) -> list[str]:
    """Before anything of the session can read a file that a killed one has left half-way."""
    from executor.snapshots.place import snapshot_folder, somebody_died

    return settle_strays(state, root) if somebody_died(snapshot_folder(state, root)) else []


@asynccontextmanager
async def _tidying(folders: Folders) -> AsyncGenerator[None]:
    """Old output and old journals go while nobody waits for it.

    Not before strays are settled: who looks at a journal holds it.
    """

    def tidied(stopped: Callable[[], bool]) -> None:
        remove_old(folders.state, stopped)
        prune(folders.state, stopped)

    tidying = asyncio.create_task(in_stoppable_thread(tidied))
    try:
        yield
    finally:
        tidying.cancel()
        await asyncio.wait((tidying,))


def wishes(settings: Settings) -> RunWishes:
    """What the settings would like of the maestro's runs."""
    limits = RunLimits(
        settings.max_steps, settings.max_seconds, settings.max_tokens, settings.max_cost
    )
    # A private maestro was started with its model; a replay is no name to wish for.
    model = settings.model if settings.server is not None else None
    return RunWishes(model=model, effort=settings.effort, mode=settings.mode, limits=limits)


class _Contexts(msgspec.Struct, frozen=True):
    held: _Held
    reads: SeenFiles
    shells: Shells
    commit_trailer: str
    pages: Pages
    clipboard: Clipboard
    unfinished: Unfinished

    def of(self, tool_id: str, emit: Emit) -> ToolContext:
        held = self.held
        return ToolContext(
            *(tool_id, held.workspace, held.processes, self.reads, emit),
            *(held.outputs.path, self.shells),
            intent=partial(held.journal.intents.log, tool_id),
            commit_trailer=self.commit_trailer,
            pages=self.pages,
            clipboard=self.clipboard,
            unfinished=self.unfinished,
        )


def _policy_state(settings: Settings, *, trusted: bool) -> PolicyState:
    rules = rules_of(settings.allow, settings.ask, settings.deny)
    offline = not settings.no_sandbox and settings.network != EVERYWHERE
    return PolicyState(settings.mode, rules, trusted=trusted, offline=offline)


def _reporting(journal_id: str, audit: AuditLog) -> Told:
    """Into the log goes the call that a command's mark names."""

    def report(mark: str, host: str, port: int, verdict: str) -> None:
        audit.reached(mark.removeprefix(f"{journal_id}."), host, port, verdict)

    return report


def _keeping(folders: Folders) -> Callable[[str], None]:
    def keep_rule(rule: str) -> None:
        from executor.policy.kept_rules import keep  # a reader of TOML, for the few who ask

        keep(folders.config_file, rule)

    return keep_rule


def _opened(opening: Opening, journal: Journal) -> NewSession | ResumedSession:
    words = journal.known.first_words
    if words is not None:  # also those of a process that never heard an answer
        return NewSession(words.prompt)
    if not opening.resumes:  # without a journal's file
        return NewSession(opening.prompt)
    return ResumedSession(take_over=opening.take_over)


def _journal(opening: Opening, state: Path, root: Path, endpoint: Endpoint) -> Journal:
    if opening.journal_id is not None:
        return open_journal(state, opening.journal_id)
    known = opening.session_id is not None
    try:
        return create_journal(
            state,
            cwd=str(root),
            server=endpoint.shown,
            title=opening.prompt,
            session_id=opening.session_id,
            words=None if known else FirstWords(opening.prompt),
        )
    except JournalError as error:
        if known:
            raise
        return journal_without_file(str(error), cwd=str(root), server=endpoint.shown)
