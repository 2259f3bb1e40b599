"""What an agent costs beside its model: start, turns, processor time, memory.

    python -m benchmarks.overhead [--runs 5] [--steps 20] [--team] [--peer COMMAND] [--json FILE]
                                  [--quick]

The work: a fresh git repository, one prompt, and a scripted local model that answers at once with
`--steps` shell calls (`echo step-k-ok`), one after the other, then a last message. Every agent does
it `--runs` times after one warm-up that is not counted; the agents take turns, so that a machine
that slows down slows them all. One further run of each is watched for memory. Medians are printed.

- *first*: start of the process until the first request to the model.
- *turn*: last byte of an answer until the next request; the shell call is in it.
- *wall*, *CPU*: the whole run, the latter over all processes.
- *agent MB*, *all MB*: peak of the process that was started, and of all that work for it.
- *request kB*: body of the first request, which is what a provider charges for.

`--team` adds a `maestro serve` over real PostgreSQL and Redis. `--peer 'agent --yes {prompt}'` adds
any other agent that speaks to an OpenAI-compatible address: `{prompt}` and `{base_url}` are filled
in, OPENAI_API_KEY and OPENAI_BASE_URL are set. HOME and the XDG folders are temporary, and so is
all that was started. Linux only: it reads /proc.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks.agents import Agent, bare_environment, codegen, peer, private, team
from benchmarks.measuring import (
    Memory,
    Run,
    Work,
    WorkFailed,
    measure,
    time_command,
    watch_memory,
)
from benchmarks.model import running_model
from benchmarks.report import add_options, machine, machine_line, write_json
from benchmarks.table import table


class Measured(msgspec.Struct, frozen=True):
    """One agent: every run, and the peaks of memory."""

    agent: str
    runs: list[Run]
    memory: Memory


class Report(msgspec.Struct, frozen=True):
    """What is written as JSON."""

    machine: dict[str, str]
    steps: int
    agents: list[Measured]
    commands_ms: dict[str, list[float]]
    """Whole life of commands that reach no model."""


def measure_all(agents: Sequence[Agent], work: Work, runs: int) -> list[Measured]:
    """Every agent `runs` times, in turns, after a run that is thrown away."""
    taken: dict[str, list[Run]] = {agent.name: [] for agent in agents}
    for agent in agents:
        measure(agent, work)
    for _ in range(runs):
        for agent in agents:
            taken[agent.name].append(measure(agent, work))
    return [Measured(agent.name, taken[agent.name], watch_memory(agent, work)) for agent in agents]


def time_commands(folder: Path, runs: int) -> dict[str, list[float]]:
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "codegen --version": codegen("--version"),
        "codegen --help": codegen("--help"),
    }
    environment = bare_environment(folder)
    for argv in commands.values():
        time_command(argv, environment)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, argv in commands.items():
            taken[name].append(time_command(argv, environment))
    return taken


@contextmanager
def _agents(given: argparse.Namespace, base_url: str, folder: Path) -> Generator[list[Agent]]:
    """All that were asked for; what they left running ends with the block."""
    with ExitStack() as stack:
        agents = [
            private(base_url, folder / "cold", is_cold=True),
            private(base_url, folder / "warm", is_cold=False),
        ]
        for agent in agents:
            stack.callback(agent.forget)
        if given.team:
            agents.append(stack.enter_context(team(base_url, folder / "team")))
        for number, command in enumerate(given.peer):
            agents.append(peer(command, base_url, folder / f"peer-{number}"))
        yield agents


def _print(report: Report) -> None:
    print(machine_line(report.machine), end="\n\n")
    heads = ("agent", "first ms", "turn ms", "wall s", "CPU s", "agent MB", "all MB", "request kB")
    rows = [
        (
            one.agent,
            f"{_median(run.first_ms for run in one.runs):.0f}",
            f"{_median(run.turn_ms for run in one.runs):.1f}",
            f"{_median(run.wall_s for run in one.runs):.2f}",
            f"{_median(run.cpu_s for run in one.runs):.2f}",
            f"{one.memory.agent:.0f}",
            f"{one.memory.everything:.0f}",
            f"{_median(run.request_kb for run in one.runs):.1f}",
        )
        for one in report.agents
    ]
    print(table(heads, rows), end="\n\n")
    times = [(name, f"{_median(taken):.0f}") for name, taken in report.commands_ms.items()]
    print(table(("command", "ms"), times))


def _median(figures: Iterator[float] | Sequence[float]) -> float:
    return statistics.median(figures)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--team", action="store_true", help="add PostgreSQL, Redis, maestro serve")
    parser.add_argument("--peer", action="append", default=[], metavar="COMMAND")
    add_options(parser)
    given = parser.parse_args(arguments)
    if given.quick:
        given.runs, given.steps = 1, 2
    # In /tmp: the path of a unix socket has 107 bytes.
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as name:
        folder = Path(name)
        with (
            running_model(given.steps) as model,
            _agents(given, model.base_url, folder) as agents,
        ):
            try:
                measured = measure_all(agents, Work(model, given.steps, folder), given.runs)
            except WorkFailed as failed:
                sys.exit(f"overhead: {failed}")
        commands = time_commands(folder / "commands", 3 * given.runs)
    report = Report(machine(), given.steps, measured, commands)
    _print(report)
    write_json(given.json, report)


if __name__ == "__main__":
    main()
