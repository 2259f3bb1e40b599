"""The agents that are measured: CodeGen with each kind of maestro, and any other one.

Says how each is started and which processes work for it; measures nothing.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.model import ROOT
from benchmarks.processes import end, read_process
from tests.servers.postgres_server import PostgresServer, find_postgres, unprivileged
from tests.servers.redis_server import RedisServer, find_valkey

PROMPT = "Run the steps, one after the other."
UNBOUNDED = dict.fromkeys(
    (
        *("MAESTRO_USER_SOCKETS", "MAESTRO_USER_SESSIONS_AN_HOUR", "MAESTRO_USER_GENERATIONS"),
        *("MAESTRO_USER_BYTES_A_MINUTE", "MAESTRO_USER_TOKENS_A_DAY"),
        *("MAESTRO_USER_REQUESTS_A_MINUTE", "MAESTRO_USER_SHARE"),
    ),
    "0",
)
"""One person plays a whole team here."""
FLAGS = ("--mode", "auto", "--no-sandbox", "--trust")
START = "import sys; from executor.cli.main import main; sys.exit(main())"
"""What the installed command `codegen` does."""
SCRIPTED = "openai/scripted"
START_SECONDS = 30.0


@dataclass(frozen=True)
class Agent:
    """One way to do the work. `argv` holds the prompt."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    maestro: Callable[[], int | None] = lambda: None
    """The process that works for it without being its child, while there is one."""
    beside: tuple[int, ...] = ()
    """Databases: their processor time counts, their memory does not."""
    is_cold: bool = False
    """Its maestro ends after each run."""

    def forget(self) -> None:
        """End the maestro that this agent left running."""
        pid = self.maestro()
        if pid is not None:
            end(pid)


def codegen(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", START, *arguments)


def bare_environment(home: Path) -> dict[str, str]:
    """Nothing of the user's own; every folder of it is beneath `home`."""
    home.mkdir(parents=True, exist_ok=True)
    runtime = home / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    folders = {
        f"XDG_{name}_HOME": str(home / name.lower())
        for name in ("CACHE", "CONFIG", "DATA", "STATE")
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "XDG_RUNTIME_DIR": str(runtime),
        **folders,
    }


def private(base_url: str, home: Path, *, is_cold: bool) -> Agent:
    """`codegen` with the maestro that it starts for itself."""
    environment = {**bare_environment(home), **_provider(base_url)}
    log = Path(environment["XDG_STATE_HOME"]) / "codegen" / "maestro.log"
    return Agent(
        f"codegen, {'cold' if is_cold else 'warm'} private maestro",
        codegen(*FLAGS, "--model", SCRIPTED, PROMPT),
        environment,
        maestro=lambda: _named_in(log),
        is_cold=is_cold,
    )


@contextmanager
def team(base_url: str, home: Path) -> Generator[Agent]:
    """`codegen --server` with a `maestro serve` over real PostgreSQL and Redis."""
    binaries, valkey = find_postgres(), find_valkey()
    if binaries is None or valkey is None or unprivileged() is None:
        sys.exit("--team: PostgreSQL and Redis of the development requirements can't run here")
    # fsync stays on: what is measured keeps its promises.
    with (
        PostgresServer.temporary(binaries, {"fsync": "on"}) as postgres,
        RedisServer.temporary(valkey) as redis,
    ):
        environment = {
            **bare_environment(home),
            **_provider(base_url),
            "MAESTRO_DATABASE_URL": postgres.dsn_of(postgres.create_database()),
            "MAESTRO_REDIS_URL": redis.url,
            "MAESTRO_MODEL": SCRIPTED,
            **UNBOUNDED,
        }
        _maestro("migrate", environment=environment)
        token = _maestro("keys", "create", "benchmark", environment=environment)
        with _serving(home / "serve.log", environment) as (address, pid):
            yield Agent(
                "codegen, team's maestro",
                codegen(*FLAGS, "--server", address, PROMPT),
                {**bare_environment(home), "CODEGEN_TOKEN": token.split()[-1]},
                maestro=lambda: pid,
                beside=(postgres.pid, redis.pid),
            )


def peer(command: str, base_url: str, home: Path) -> Agent:
    """Any other agent: `{prompt}` and `{base_url}` in the command are filled in."""
    words = shlex.split(command)
    if not any("{prompt}" in word for word in words):
        words.append("{prompt}")
    argv = [word.replace("{prompt}", PROMPT).replace("{base_url}", base_url) for word in words]
    return Agent(Path(argv[0]).name, tuple(argv), {**bare_environment(home), **_provider(base_url)})


def _provider(base_url: str) -> dict[str, str]:
    return {
        "OPENAI_API_KEY": "sk-test-0000",
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_BASE": base_url,
    }


def _named_in(log: Path) -> int | None:
    """The private maestro that said last where it serves, if it still does."""
    try:
        lines = log.read_text().splitlines()
    except FileNotFoundError:
        return None
    said = [json.loads(line) for line in lines if line.startswith("{")]
    pids = [int(event["pid"]) for event in said if event.get("event") == "serving"]
    return pids[-1] if pids and read_process(pids[-1]) else None


def _maestro(*arguments: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "maestro", *arguments],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"maestro {' '.join(arguments)}: {done.stderr}")
    return done.stdout


@contextmanager
def _serving(log: Path, environment: Mapping[str, str]) -> Generator[tuple[str, int]]:
    """`maestro serve`: its address and pid."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "maestro", "serve", "--port", "0"],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield _address(process, log), process.pid
    finally:
        process.terminate()
        process.wait()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Where it says that it listens."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        said = re.search(r"^maestro all: (\S+)$", log.read_text(), re.MULTILINE)
        if said:
            return said[1]
        time.sleep(0.01)
    sys.exit(f"maestro serve did not start: {log.read_text()[-2000:]}")
