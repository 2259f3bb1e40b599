"""Name the behaviours that the project must show, and tie tests to them.

Holds no test; tests/architecture/test_requirements.py checks it both ways.
"""

from collections.abc import Callable
from typing import TypeVar

from tests.executor.web.requirements import OF_THE_WORLD
from tests.protocol.requirements import OF_THE_WIRE
from tests.requirement import DESIGN, PROTOCOL, USER, Requirement
from tests.security.requirements import OF_LOCAL_SECURITY, OF_TEAM_SECURITY

Test = TypeVar("Test", bound=Callable[..., object])


REQUIREMENTS: tuple[Requirement, ...] = (
    *OF_TEAM_SECURITY,
    *OF_LOCAL_SECURITY,
    *OF_THE_WIRE,
    Requirement("R-GIT-1", USER, "Whoever is asked about a git command sees what it would lose."),
    Requirement(
        "R-GIT-3", USER, "In no mode is work thrown away by git without an ask, or a rule for it."
    ),
    Requirement("R-GIT-2", USER, "Nothing that a repository names is run by git."),
    Requirement("R-SEARCH-1", USER, "Grep finds the same with and without ripgrep."),
    Requirement("R-SEARCH-2", USER, "What is listed and searched is what git does not ignore."),
    *OF_THE_WORLD,
    Requirement("R-UNDO-1", USER, "Undo gives back every byte, mode and link."),
    Requirement("R-UNDO-2", USER, "Undo never overwrites the user's later changes unasked."),
    Requirement("R-UNDO-3", DESIGN, "An undo that was killed is finished by whoever comes next."),
    Requirement("R-UNDO-4", DESIGN, "Snapshots touch nothing in the project, its .git included."),
    Requirement("R-UNDO-6", USER, "What a command in the background changes can be taken back."),
    Requirement("R-UNDO-5", USER, "After a real run, codegen undo takes it back, offline."),
    Requirement(
        "R-RUN-1",
        DESIGN,
        "A prompt becomes changed files and run commands in the user's directory.",
    ),
    Requirement(
        "R-RUN-2",
        DESIGN,
        "A run ends with what was changed, how many commands ran, and what it cost.",
    ),
    Requirement(
        "R-RUN-3",
        PROTOCOL,
        "A command that ended by itself is a success whatever its exit code.",
    ),
    Requirement(
        "R-RUN-4",
        DESIGN,
        "Each request to the model begins with the bytes of the one before.",
    ),
    Requirement("R-RUN-5", PROTOCOL, "What the user says during a run steers its next generation."),
    Requirement(
        "R-RUN-6",
        PROTOCOL,
        "An interrupt ends the run, its calls and its generation, and keeps the session.",
    ),
    Requirement(
        "R-RUN-7",
        DESIGN,
        "A session is continued by another process with its whole transcript.",
    ),
    Requirement(
        "R-RUN-8",
        DESIGN,
        "A plan is shown and kept in .codegen/plan.md, with session and time in its head.",
    ),
    Requirement("R-CALL-1", DESIGN, "Calls of one generation that only read run side by side."),
    Requirement("R-CALL-2", USER, "Results go back to the model in the model's order."),
    Requirement("R-CALL-3", DESIGN, "Calls with effects run one at a time in the model's order."),
    Requirement(
        "R-CALL-4",
        PROTOCOL,
        "A denied call reaches the model as denied, with the user's words.",
    ),
    Requirement(
        "R-CALL-5",
        DESIGN,
        "An unknown tool and wrong arguments are told to the model, which may mend them.",
    ),
    Requirement("R-CALL-6", PROTOCOL, "The bootstrap's calls never prompt."),
    Requirement("R-ONCE-1", DESIGN, "A call that is sent twice runs once."),
    Requirement(
        "R-ONCE-2",
        DESIGN,
        "A call is journalled before it starts, and its result before it is sent.",
    ),
    Requirement(
        "R-ONCE-3",
        DESIGN,
        "A call whose process is gone is answered as interrupted and never run again.",
    ),
    Requirement(
        "R-ONCE-4",
        DESIGN,
        "What a killed codegen left open is said and goes on, also before the session had a name.",
    ),
    Requirement(
        "R-DISK-1",
        DESIGN,
        "A private maestro whose disk is full ends the run with a clear error, in bounded time.",
    ),
    Requirement("R-DISK-2", DESIGN, "A log that can't be written costs nothing but its lines."),
    Requirement(
        "R-TRUST-1",
        DESIGN,
        "AGENTS.md is told to the model only where the user trusts the directory.",
    ),
    Requirement(
        "R-MODEL-1",
        DESIGN,
        "A stream that breaks off runs nothing of its half and is made again.",
    ),
    Requirement(
        "R-MODEL-2",
        DESIGN,
        "What a provider refuses ends the run in the provider's own words.",
    ),
    Requirement("R-MODEL-3", DESIGN, "A busy provider is asked again, no sooner than it asks for."),
    Requirement("R-MODEL-4", DESIGN, "The table of providers is complete and in its order."),
    Requirement("R-MODEL-5", DESIGN, "A provider's key is shown nowhere."),
    Requirement(
        "R-LIMIT-1",
        PROTOCOL,
        "A run ends at its limits of steps and tokens, with that reason.",
    ),
    Requirement("R-LIMIT-2", PROTOCOL, "A run whose model repeats itself ends as a loop."),
    Requirement(
        "R-LIMIT-3",
        DESIGN,
        "An empty answer is told to the model once, then the run ends.",
    ),
    Requirement(
        "R-LIMIT-4",
        DESIGN,
        "Calls that can't be made end the run after a bounded number of tries.",
    ),
    Requirement("R-LIMIT-5", DESIGN, "The time of a run ends commands and generations that hang."),
    Requirement("R-LIMIT-6", PROTOCOL, "A client's limits only tighten the maestro's."),
    Requirement("R-USAGE-1", PROTOCOL, "The usage of a run is the sum of its generations."),
    Requirement(
        "R-WATCH-1",
        PROTOCOL,
        "All viewers of a session see the same ordered stream as its executor.",
    ),
    Requirement(
        "R-WATCH-2",
        PROTOCOL,
        "A viewer sees every number from the seq that it names, without a gap.",
    ),
    Requirement("R-WATCH-3", PROTOCOL, "A viewer sees live text in order."),
    Requirement(
        "R-REST-1",
        PROTOCOL,
        "REST lists, shows, interrupts and deletes a user's sessions.",
    ),
    Requirement("R-TIME-1", DESIGN, "A handshake is acknowledged within 50 ms on one machine."),
    Requirement(
        "R-TIME-2",
        DESIGN,
        "The first token is shown within 50 ms of the model's sending it.",
    ),
    Requirement(
        "R-LEDGER-1",
        DESIGN,
        "The seq of a session's rows has no gap, however many append at once.",
    ),
    Requirement("R-LEDGER-2", DESIGN, "The same append again is a success with the old seq."),
    Requirement(
        "R-BRANCH-1",
        DESIGN,
        "A session goes back to the end of a turn: rows stay, the model forgets, no run is open.",
    ),
    Requirement(
        "R-BRANCH-2", DESIGN, "A fork is a session of its own that begins with another's turns."
    ),
    Requirement(
        "R-BRANCH-3",
        USER,
        "What asks no model needs no key: sessions, rewind and fork without one.",
    ),
    Requirement(
        "R-OWN-1", DESIGN, "A marked Python function of the user's is offered and run by itself."
    ),
    Requirement("R-OWN-2", DESIGN, "A command of the user's gets its parameters as JSON."),
    Requirement(
        "R-OWN-3", DESIGN, "A tool of the user's own that can't be offered is named with its file."
    ),
    Requirement("R-LEDGER-3", DESIGN, "Of two answers to one call the first stays."),
    Requirement("R-LEDGER-4", DESIGN, "A fact of an older attachment is refused."),
    Requirement(
        "R-LEDGER-5",
        DESIGN,
        "A claim that was taken over voids what its old owner decides.",
    ),
    Requirement(
        "R-LEDGER-6",
        DESIGN,
        "An interrupt voids a running generation, a message or a result never does.",
    ),
    Requirement(
        "R-LEDGER-7",
        PROTOCOL,
        "Of executors that race for a session exactly one is attached.",
    ),
    Requirement("R-LEDGER-8", PROTOCOL, "A take-over answers the open calls as interrupted."),
    Requirement(
        "R-LEDGER-9",
        DESIGN,
        "An append that is cancelled anywhere and made again is there once.",
    ),
    Requirement("R-LEDGER-10", DESIGN, "A token is stored only as its hash."),
    Requirement(
        "R-LEDGER-11",
        DESIGN,
        "A session that a newer version wrote is left to a newer worker.",
    ),
    Requirement("R-BUS-1", DESIGN, "What is published reaches each subscriber in order and whole."),
    Requirement(
        "R-BUS-2",
        DESIGN,
        "A cancelled read leaves its reply to nobody else, and loses nothing.",
    ),
    Requirement(
        "R-STEP-1",
        DESIGN,
        "A step that is killed at any await is made again with the same outcome.",
    ),
    Requirement("R-GATE-1", PROTOCOL, "Every door but health and readiness needs a token."),
    Requirement("R-GATE-2", PROTOCOL, "An Origin or a Host that is not listed is refused."),
    Requirement(
        "R-GATE-3",
        DESIGN,
        "While the ledger is away nothing is accepted, and nothing is lost.",
    ),
    Requirement("R-POLICY-1", DESIGN, "No path reaches a file outside the workspace."),
    Requirement("R-POLICY-2", DESIGN, "What is not surely harmless asks."),
    Requirement("R-POLICY-3", DESIGN, "Read-only mode denies whatever may have an effect."),
    Requirement("R-POLICY-4", DESIGN, "A project's configuration only tightens."),
    Requirement("R-SANDBOX-1", DESIGN, "A confined command changes and reads only what it may."),
    Requirement("R-SANDBOX-2", DESIGN, "A confined command reaches no server, socket or name."),
    Requirement("R-SANDBOX-3", DESIGN, "Without a sandbox nothing runs unasked that may do harm."),
    Requirement("R-SANDBOX-4", DESIGN, "Ordinary work is done inside the sandbox."),
    Requirement("R-POLICY-5", DESIGN, "A yes may be kept for ever, in the user's own file alone."),
    Requirement("R-POLICY-6", DESIGN, "A host that could be read in two ways is never reached."),
    Requirement(
        "R-POLICY-7",
        DESIGN,
        "What runs unasked writes nothing, opens nothing outside, and runs only what it names.",
    ),
    Requirement("R-POLICY-9", DESIGN, "What would happen is told with its rule and place."),
    Requirement("R-POLICY-8", DESIGN, "Git shows no secret that it tracks without a question."),
    Requirement("R-PROC-1", DESIGN, "Commands end with their executor, however it ends."),
    Requirement("R-PROC-2", DESIGN, "The output of a command costs bounded memory."),
    Requirement("R-SHELL-1", DESIGN, "A command runs where the last one in the project ended."),
    Requirement("R-SHELL-2", DESIGN, "A command in the background is known, bounded and ended."),
    Requirement("R-SHELL-3", DESIGN, "Every part of a long output can be read."),
    Requirement(
        "R-SHELL-5", USER, "Only its user can let a command outlive the session, and end it."
    ),
    Requirement("R-SHELL-4", DESIGN, "No command that waits for input hangs a run."),
    Requirement("R-FILE-1", DESIGN, "An edit leaves every byte outside of its match as it was."),
    Requirement("R-FILE-2", DESIGN, "A file that changed since the model read it is not edited."),
    Requirement("R-FILE-3", DESIGN, "A full disk leaves the original file whole."),
    Requirement(
        "R-FILE-4", DESIGN, "Reading a file and writing what was read gives the same bytes."
    ),
    Requirement("R-FILE-5", DESIGN, "Several edits of one call land in order, or none does."),
    Requirement(
        "R-FILE-6", DESIGN, "A change that would be refused is refused before anybody is asked."
    ),
    Requirement("R-FILE-7", DESIGN, "A replaced file keeps mode, owner and extended attributes."),
    Requirement(
        "R-FILE-8", DESIGN, "An image that is read reaches models that see; others are told of it."
    ),
    Requirement(
        "R-FILE-9", DESIGN, "A document that is made to harm costs bounded time and memory."
    ),
    Requirement("R-FILE-10", DESIGN, "After a change the result says what a parser finds wrong."),
    Requirement("R-FILE-11", DESIGN, "Real histories, as edits or patches, give their bytes."),
    Requirement("R-FILE-12", DESIGN, "A patch of several files lands whole, or changes nothing."),
    Requirement("R-FILE-13", DESIGN, "A killed file tool is finished or undone, and says which."),
    Requirement("R-FILE-14", DESIGN, "What a killed one left, any later codegen there settles."),
    Requirement(
        "R-CLI-1",
        DESIGN,
        "With nothing configured but a key, a prompt starts a private maestro and runs.",
    ),
    Requirement("R-CLI-2", DESIGN, "A run ends with a summary: files, commands, tokens, time."),
    Requirement("R-CLI-3", DESIGN, "A second codegen joins the private maestro of the first."),
    Requirement(
        "R-CLI-4",
        DESIGN,
        "The private maestro's socket is its user's alone, and its arguments hold no key.",
    ),
    Requirement("R-CLI-5", DESIGN, "-c and --resume continue a session with its whole transcript."),
    Requirement("R-CLI-6", DESIGN, "A prompt may come from standard input."),
    Requirement(
        "R-CLI-7",
        DESIGN,
        "JSON output is one object, and lists what was denied for want of a terminal.",
    ),
    Requirement(
        "R-CLI-8",
        DESIGN,
        "stream-json is one line for each event and ends with the result.",
    ),
    Requirement("R-CLI-9", DESIGN, "The exit code tells how the run ended."),
    Requirement(
        "R-CLI-10",
        DESIGN,
        "An interrupted codegen ends with 130 and leaves no process behind.",
    ),
    Requirement("R-CLI-11", DESIGN, "The demonstration needs no key and no network."),
    Requirement("R-CLI-12", DESIGN, "A recorded session is played back without its provider."),
    Requirement(
        "R-CLI-13",
        DESIGN,
        "A private maestro that is gone is started again in the middle of a run.",
    ),
    Requirement("R-CLI-14", DESIGN, "Flags outrank the environment, which outranks the files."),
    Requirement("R-BAD-1", DESIGN, "A missing key is named with the variable to set."),
    Requirement("R-BAD-2", DESIGN, "A wrong key is shown in the provider's own words."),
    Requirement("R-BAD-3", DESIGN, "An unknown provider, model or recording is named."),
    Requirement(
        "R-BAD-4",
        DESIGN,
        "A server that can't be reached or is no maestro is named, with the reason.",
    ),
    Requirement(
        "R-BAD-5",
        DESIGN,
        "A configuration that can't be read is named with file and line.",
    ),
    Requirement("R-BAD-6", DESIGN, "A directory that is not there is named."),
    Requirement("R-BAD-7", DESIGN, "A wrong flag, or flags that don't go together, are named."),
    Requirement("R-BAD-8", DESIGN, "A bad setting of a server is named."),
    Requirement("R-BAD-9", DESIGN, "Everything after -- is the prompt."),
    Requirement("R-TEAM-1", DESIGN, "A prompt runs against a team's server, with its token."),
    Requirement("R-TEAM-2", DESIGN, "A session goes on through any maestro and from any machine."),
    Requirement("R-TEAM-3", PROTOCOL, "A bad token is refused."),
    Requirement("R-TEAM-4", DESIGN, "One user sees nothing of another's sessions."),
    Requirement(
        "R-TEAM-5",
        PROTOCOL,
        "Sessions are listed, shown and deleted from the command line.",
    ),
    Requirement(
        "R-TEAM-6",
        DESIGN,
        "A maestro that is killed loses nothing that was accepted: runs go on elsewhere.",
    ),
    Requirement(
        "R-TEAM-7",
        PROTOCOL,
        "A maestro that is told to end sends its executors elsewhere at once.",
    ),
    Requirement("R-TEAM-8", DESIGN, "Doors and planning scale as processes apart."),
    Requirement("R-TEAM-9", DESIGN, "A run goes on while Redis is away."),
    Requirement("R-SERVE-1", PROTOCOL, "/ready names what is missing; /health goes on."),
    Requirement("R-SERVE-2", DESIGN, "A database without its schema is told what to do."),
    Requirement("R-SERVE-3", DESIGN, "The first start of a server prints a token, once."),
    Requirement("R-SERVE-4", DESIGN, "A server's unix socket is its user's alone."),
    Requirement("R-PERF-1", DESIGN, "No command loads a library that it does not need."),
    Requirement("R-PERF-2", DESIGN, "The private maestros that stay warm are told and stopped."),
    Requirement("R-PERF-3", DESIGN, "A deployment's service levels are measured by one command."),
    Requirement("R-PERF-4", DESIGN, "A worker folds what it wrote without reading it back."),
    Requirement("R-TTY-1", DESIGN, "Ctrl-C once interrupts, twice leaves, and no child survives."),
    Requirement("R-TTY-2", DESIGN, "The terminal is left as it was found."),
    Requirement(
        "R-TTY-3",
        DESIGN,
        "What the mode asks about is asked, and runs when it is allowed.",
    ),
    Requirement("R-TTY-4", DESIGN, "codegen alone on a terminal is a conversation."),
)


def covers(*ids: str) -> Callable[[Test], Test]:
    """Tie a test to the requirements `ids`, by literal strings: they are read from the source."""
    assert ids

    def unchanged(test: Test) -> Test:
        return test

    return unchanged
