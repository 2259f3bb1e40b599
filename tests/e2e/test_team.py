"""`codegen` against a team's server: two maestros behind a load balancer, PostgreSQL, Redis."""

import asyncio
import urllib.parse
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.e2e.balancer import Balancer, balancing
from tests.e2e.machine import Machine, ended
from tests.e2e.processes import until
from tests.e2e.team import Team
from tests.requirements import covers
from tests.scripted_model import Recorded, Reply, ScriptedModel, call, calls, held, text
from tests.servers.child import StartError
from tests.servers.postgres_server import PostgresServer
from tests.servers.redis_server import RedisServer, find_valkey

AUTO = ("--mode", "auto", "--no-sandbox")
UNTIL_GO = call("Shell", command="echo ran >> log; while [ ! -e go ]; do sleep 0.05; done")


def balanced(made: Team) -> AbstractAsyncContextManager[Balancer]:
    return balancing(*(maestro.address for maestro in made.maestros))


@covers("R-TEAM-1")
async def test_a_prompt_runs_against_a_teams_server(pair: Team, machine: Machine) -> None:
    script = [calls(call("WriteFile", file_path="a.txt", content="a\n")), text("Written.")]
    async with ScriptedModel(script, port=pair.model_port), balanced(pair) as balancer:
        machine.use_server(balancer.address, pair.token)
        ran = await machine.codegen(*AUTO, "write")

    assert (ran.code, ran.out) == (0, "Written.\n")
    assert (machine.project / "a.txt").read_text() == "a\n"
    assert machine.private_maestros() == []


@covers("R-TEAM-2")
async def test_a_session_goes_on_through_whichever_maestro_answers(
    pair: Team, machine: Machine
) -> None:
    script = [text("One."), text("Two."), text("Three.")]
    async with ScriptedModel(script, port=pair.model_port) as model, balanced(pair) as balancer:
        machine.use_server(balancer.address, pair.token)
        first = await machine.codegen("--output-format", "json", "one")
        second = await machine.codegen("-c", "two")
        third = await machine.codegen("--resume", first.result["session_id"], "three")

    assert (second.out, third.out) == ("Two.\n", "Three.\n")
    assert balancer.served == [0, 1, 0]
    assert model.requests[2].body.startswith(model.requests[1].body.removesuffix(b"]}"))


@covers("R-TEAM-2")
async def test_a_session_is_resumed_from_another_machine(
    pair: Team, machine: Machine, tmp_path: Path
) -> None:
    other = Machine(tmp_path)
    script = [text("One."), text("Two.")]
    async with ScriptedModel(script, port=pair.model_port) as model, balanced(pair) as balancer:
        for each in (machine, other):
            each.use_server(balancer.address, pair.token)
        first = await machine.codegen("--output-format", "json", "one")
        resume = ("--output-format", "json", "--resume", first.result["session_id"])
        second = await other.codegen(*resume, "two")

    assert second.result["text"] == "Two."
    assert model.requests[1].body.startswith(model.requests[0].body.removesuffix(b"]}"))


@covers("R-TEAM-3")
@pytest.mark.parametrize("token", ["", "cg_wrong0000"])
async def test_a_bad_token_is_refused_in_one_line(token: str, pair: Team, machine: Machine) -> None:
    async with balanced(pair) as balancer:
        machine.use_server(balancer.address, token)
        ran = await machine.codegen("do it")

    assert ran.code == 6
    assert "token" in ran.complaint
    assert "401" in ran.complaint


@covers("R-TEAM-4")
async def test_one_user_sees_nothing_of_anothers_sessions(pair: Team, machine: Machine) -> None:
    created = pair.run("keys", "create", "bob")
    async with ScriptedModel([text("Mine.")], port=pair.model_port), balanced(pair) as balancer:
        machine.use_server(balancer.address, pair.token)
        session_id = (await machine.codegen("--output-format", "json", "mine")).result["session_id"]
        machine.use_server(balancer.address, created.stdout.strip())
        listed = await machine.codegen("sessions", "list", "--server", balancer.address)
        shown = await machine.codegen("sessions", "show", session_id)
        resumed = await machine.codegen("--resume", session_id, "yours")

    assert session_id not in listed.out
    assert (shown.code, resumed.code) == (6, 6)
    assert "no such session" in shown.complaint
    assert "no such session" in resumed.complaint


@covers("R-TEAM-5")
async def test_sessions_are_listed_shown_and_deleted(pair: Team, machine: Machine) -> None:
    async with ScriptedModel([text("One.")], port=pair.model_port), balanced(pair) as balancer:
        machine.use_server(balancer.address, pair.token)
        session_id = (await machine.codegen("--output-format", "json", "one")).result["session_id"]
        local = await machine.codegen("sessions", "list")
        listed = await machine.codegen("sessions", "list", "--server", balancer.address)
        shown = await machine.codegen("sessions", "show", session_id)
        deleted = await machine.codegen("sessions", "delete", session_id)
        gone = await machine.codegen("sessions", "show", session_id)

    assert session_id in local.out
    assert session_id in listed.out
    assert "> one" in shown.out
    assert "One." in shown.out
    assert (deleted.code, gone.code) == (0, 6)


@covers("R-TEAM-6")
async def test_a_run_outlives_the_maestro_that_its_executor_was_connected_to(
    crew: Team, machine: Machine
) -> None:
    first, second = crew.start(), crew.start()
    for maestro in (first, second):
        maestro.wait()
    script = [calls(UNTIL_GO), text("Done.")]
    async with ScriptedModel(script, port=crew.model_port), balanced(crew) as balancer:
        machine.use_server(balancer.address, crew.token)
        process = await machine.start(*AUTO, "wait")
        log = machine.project / "log"
        await until(log.exists, "the command")
        first.kill()
        (machine.project / "go").touch()
        ran = await ended(process)

    assert balancer.served == [0, 1]
    assert (ran.code, ran.out) == (0, "Done.\n")
    assert log.read_text() == "ran\n"


@covers("R-TEAM-6")
async def test_a_generation_is_made_again_where_the_maestro_that_made_it_was_killed(
    crew: Team, machine: Machine
) -> None:
    first = crew.start()
    first.wait()

    def model(_request: Recorded) -> Reply:
        return held(text("Done."), "go", after=1)

    async with ScriptedModel(model, port=crew.model_port) as provider:
        second = crew.start()
        second.wait()
        async with balanced(crew) as balancer:
            machine.use_server(balancer.address, crew.token)
            process = await machine.start("say it")
            await provider.requested(1)
            first.kill()
            provider.open("go")
            ran = await ended(process)

    assert balancer.served == [0, 1]
    assert (ran.code, ran.out) == (0, "Done.\n")


@covers("R-TEAM-9")
async def test_a_run_goes_on_without_redis(crew: Team, machine: Machine) -> None:
    binary = find_valkey()
    assert binary is not None
    with RedisServer.temporary(binary) as redis:
        for maestro in [crew.start(MAESTRO_REDIS_URL=redis.url) for _ in range(2)]:
            maestro.wait()
        script = [calls(UNTIL_GO), calls(call("Shell", command="echo more >> log")), text("Done.")]
        async with ScriptedModel(script, port=crew.model_port), balanced(crew) as balancer:
            machine.use_server(balancer.address, crew.token)
            process = await machine.start(*AUTO, "wait")
            log = machine.project / "log"
            await until(log.exists, "the command")
            redis.kill()
            (machine.project / "go").touch()
            ran = await ended(process)

    assert (ran.code, ran.out) == (0, "Done.\n")
    assert log.read_text() == "ran\nmore\n"


@covers("R-TEAM-7")
async def test_a_maestro_that_is_told_to_end_sends_its_executors_on_at_once(
    crew: Team, machine: Machine
) -> None:
    first, second = crew.start(), crew.start()
    for maestro in (first, second):
        maestro.wait()
    script = [calls(UNTIL_GO), text("Done.")]
    async with ScriptedModel(script, port=crew.model_port), balanced(crew) as balancer:
        machine.use_server(balancer.address, crew.token)
        process = await machine.start(*AUTO, "wait")
        await until((machine.project / "log").exists, "the command")
        await asyncio.to_thread(first.end)
        (machine.project / "go").touch()
        ran = await ended(process)

    assert balancer.served == [0, 1]
    assert (ran.code, ran.out) == (0, "Done.\n")


@covers("R-TEAM-8")
async def test_doors_and_planning_run_as_processes_of_their_own(
    crew: Team, machine: Machine
) -> None:
    edge, worker = crew.start("--role", "edge", "--port", "0"), crew.start("--role", "worker")
    for maestro in (edge, worker):
        maestro.wait()
    script = [calls(call("Shell", command="echo one")), text("Done.")]
    async with ScriptedModel(script, port=crew.model_port), balancing(edge.address) as balancer:
        machine.use_server(balancer.address, crew.token)
        ran = await machine.codegen(*AUTO, "echo")

    assert (ran.code, ran.out) == (0, "Done.\n")


@covers("R-SERVE-1")
async def test_ready_names_what_is_missing_and_health_goes_on(crew: Team) -> None:
    binary = find_valkey()
    assert binary is not None
    with RedisServer.temporary(binary) as redis:
        maestro = crew.start(MAESTRO_REDIS_URL=redis.url)
        maestro.wait()
        whole = maestro.get("/ready")
        redis.kill()
        without_redis = maestro.get("/ready")
        alive = maestro.get("/health")

    assert (whole[0], whole[1]["status"], whole[1]["missing"]) == (200, "ready", {})
    assert (without_redis[0], without_redis[1]["status"]) == (200, "degraded")
    assert list(without_redis[1]["missing"]) == ["bus"]
    assert "Redis" in without_redis[1]["missing"]["bus"]
    assert alive == (200, {"status": "ok"})


@covers("R-SERVE-1")
async def test_ready_says_when_the_database_has_gone(
    crew: Team, postgres_server: PostgresServer
) -> None:
    maestro = crew.start()
    maestro.wait()
    before, _ = maestro.get("/ready")
    database = urllib.parse.urlsplit(crew.environment["MAESTRO_DATABASE_URL"]).path
    postgres_server.drop_database(database.strip("/"))
    after, told = maestro.get("/ready")

    assert (before, after) == (200, 503)
    assert list(told["missing"]) == ["ledger"]
    assert "PostgreSQL" in told["missing"]["ledger"]


@covers("R-SERVE-2")
async def test_a_server_without_its_schema_says_what_to_do(
    crew: Team, postgres_server: PostgresServer
) -> None:
    database = postgres_server.create_database()
    maestro = crew.start("--port", "0", "--database-url", postgres_server.dsn_of(database))
    with pytest.raises(StartError, match="maestro migrate"):
        maestro.wait()
    postgres_server.drop_database(database)


@covers("R-SERVE-3")
async def test_the_first_start_of_a_server_prints_a_token_once(
    tmp_path: Path, crew: Team, machine: Machine
) -> None:
    state = str(tmp_path / "sqlite")
    environment = {"MAESTRO_DATABASE_URL": "", "MAESTRO_REDIS_URL": "", "MAESTRO_STATE_DIR": state}
    first = crew.start(**environment)
    first.wait()
    token = next(line for line in first.log.read_text().splitlines() if " " not in line)
    async with ScriptedModel([text("In.")], port=crew.model_port):
        machine.use_server(f"ws://127.0.0.1:{first.address[1]}", token)
        ran = await machine.codegen("let me in")
    first.end()
    again = crew.start(**environment)
    again.wait()

    assert (ran.code, ran.out) == (0, "In.\n")
    assert "token" not in again.log.read_text()


@covers("R-SERVE-4")
async def test_a_server_listens_on_a_unix_socket_of_its_user_alone(
    crew: Team, machine: Machine
) -> None:
    path = machine.folder / "maestro.sock"
    maestro = crew.start("--uds", str(path))
    maestro.wait()
    mode = path.stat().st_mode & 0o777
    async with ScriptedModel([text("In.")], port=crew.model_port):
        machine.use_server(f"unix:{path}", crew.token)
        ran = await machine.codegen("let me in")

    assert mode == 0o600
    assert (ran.code, ran.out) == (0, "In.\n")
