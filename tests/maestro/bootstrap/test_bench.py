"""`maestro bench` against a real deployment: it counts, it asks before it spends, it tidies up."""

from pathlib import Path

import httpx2
import msgspec

from maestro.bench.report import Levels
from tests.maestro.bootstrap.program import ran, started
from tests.requirements import covers
from tests.scripted_model import ScriptedModel, error, text

SERVE = ("serve", "--port", "0", "--auth", "none", "--model", "openai/scripted")
KEY = "sk-test-0000"


@covers("R-PERF-3")
async def test_the_levels_of_a_deployment_are_measured_and_its_sessions_deleted(
    tmp_path: Path,
) -> None:
    async with ScriptedModel(lambda _: text("ready")) as model:
        environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.base_url}
        async with started(tmp_path, *SERVE, **environment) as program:
            address = await program.listening()
            arguments = ("bench", address, "--sessions", "3", "--prompts", "2", "--yes")
            shown = await ran(tmp_path, *arguments)
            written = await ran(tmp_path, *arguments, "--json")
            async with httpx2.AsyncClient(base_url=address, trust_env=False) as client:
                left = (await client.get("/api/v1/sessions")).json()

    assert (shown.code, shown.err) == (0, "")
    assert "sessions held at once: 3 of 3" in shown.out
    levels = msgspec.json.decode(written.out, type=Levels)
    assert (levels.asked, levels.held, levels.failed) == (3, 3, {})
    counts = (levels.handshake_ms, levels.accepted_ms, levels.first_text_ms, levels.run_ms)
    assert [len(figures) for figures in counts] == [3, 3, 6, 6]
    assert all(figure > 0 for figures in counts for figure in figures)
    assert left == {"sessions": []}


async def test_runs_that_fail_are_told_and_make_the_exit_code(tmp_path: Path) -> None:
    async with ScriptedModel(lambda _: error(401, "no credit")) as model:
        environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.base_url}
        async with started(tmp_path, *SERVE, **environment) as program:
            done = await ran(tmp_path, "bench", await program.listening(), "--yes")

    assert done.code == 1
    assert "sessions held at once: 0 of 1" in done.out
    assert "failed 1 times: a run ended as error (model_error)" in done.out


async def test_nothing_is_spent_or_sent_unless_it_may_be(tmp_path: Path) -> None:
    unasked = await ran(tmp_path, "bench", "http://127.0.0.1:9")
    far = await ran(tmp_path, "bench", "http://maestro.example", "--yes")
    nobody = await ran(tmp_path, "bench", "http://127.0.0.1:9", "--yes")

    assert [unasked.code, far.code, nobody.code] == [1, 1, 1]
    assert "This opens 1 sessions at http://127.0.0.1:9 and asks its model 3 times" in unasked.err
    assert unasked.err.endswith("nobody is here to agree to that: add --yes\n")
    assert "only https:// leaves this machine" in far.err
    assert "bench: nobody answers at http://127.0.0.1:9" in nobody.err
