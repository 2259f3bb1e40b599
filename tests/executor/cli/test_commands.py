"""`codegen` and its commands as real processes: what they say, keep, and end with."""

import json
import stat
import sys
from asyncio import to_thread
from collections.abc import Generator

import pytest

from executor.cli.flags import COMMANDS, FLAGS
from executor.cli.help import help_text
from executor.cli.models import default_model
from executor.settings import NAMES
from executor.trust import Trust
from tests.executor.cli.program import User, served, user
from tests.scripted_model import ScriptedModel, call, calls, text

KEY = "sk-test-0000"


@pytest.fixture
def ada() -> Generator[User]:
    with user() as made:
        yield made


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "there is no prompt"),
        (["--cwd", "/nonexistent", "do it"], 2, "--cwd: /nonexistent: No such file"),
        (["--cwd", "/etc/passwd", "do it"], 2, "--cwd: /etc/passwd is not a directory"),
        (["-c", "do it"], 2, "--continue: there is no earlier session of"),
        (["--take-over", "do it"], 2, "--take-over goes with --resume ID or --continue"),
        (["--max-steps", "0", "do it"], 2, "--max-steps: 0 is not above 0"),
        (["--effort", "hardest", "do it"], 2, "--effort: 'hardest' is none of"),
        (["--mode", "auto", "--sandbox", "none", "do it"], 2, "add --no-sandbox"),
        (["--mode", "loose", "do it"], 2, "--mode: 'loose' is none of"),
        (["do it"], 2, "no key of a model provider"),
        (["--model", "nowhere/x", "do it"], 2, "nowhere"),
        (["--server", "http://127.0.0.1:9", "do it"], 6, "nobody listens there"),
        (["--server", "ftp://x", "do it"], 2, "--server: expected ws://"),
        (["--server", "https://127.0.0.1:9", "--ca-file", "/none", "do it"], 2, "/none"),
        (["sessions"], 2, "Missing command; there are list, show, delete: see codegen sessions --"),
        (["sessions", "frob"], 2, "No such command 'frob'; there are list, show, delete: see"),
        (["undo", "x"], 2, "Invalid value for 'N'"),
        (["undo", "--nope"], 2, "see codegen undo --help"),
        (["policy", "check"], 2, "Missing argument 'call': see codegen policy check --help"),
        (["sessions", "list", "--server", "http://127.0.0.1:9"], 6, "Connection refused"),
        (["completion", "tcsh"], 2, "there is no completion for 'tcsh'"),
        (["login"], 2, "say which"),
        (["login", "../x"], 2, "is no provider's name"),
        (["login", "opnai"], 2, "there is no provider 'opnai'; did you mean openai?"),
        (["login", "openai"], 2, "that is no token or key"),
        (["logout", "openai"], 2, "OPENAI_API_KEY is not kept here"),
        (["demo", "--output-format", "xml"], 2, "'xml' is none of text, json, stream-json"),
    ],
)
def test_bad_usage_is_one_line_that_names_it(
    arguments: list[str], code: int, words: str, ada: User
) -> None:
    ended = ada.codegen(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("codegen: ")
    assert ended.err.count("\n") == 1
    assert words in ended.err


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"a" * 600_000, "standard input holds more than 524,288 bytes"),
        (b"\xff\xfe", "standard input is not UTF-8 text"),
        (b"  \n", "there is no prompt"),
    ],
)
def test_what_is_piped_in_must_be_a_prompt(told: bytes, words: str, ada: User) -> None:
    ended = ada.codegen(told=told)
    assert (ended.code, words in ended.err, ended.err.count("\n")) == (2, True, 1)


def test_closed_streams_are_as_good_as_empty_ones(ada: User) -> None:
    closed_in = ada.bash('codegen "do it" <&-')
    assert (closed_in.code, "no key of a model" in closed_in.err) == (2, True)
    closed_out = ada.bash("codegen config show >&-")
    assert (closed_out.code, "Traceback" in closed_out.err) == (0, False)


def test_a_reader_that_leaves_early_gets_no_traceback(ada: User) -> None:
    for command in ("--help", "config show", "models", "completion bash"):
        ended = ada.bash(f"codegen {command} | true")
        assert "Traceback" not in ended.err
        assert "Exception ignored" not in ended.err


@pytest.mark.parametrize("shape", ["text", "json", "stream-json"])
async def test_a_run_whose_output_finds_no_room_ends_in_one_line(ada: User, shape: str) -> None:
    async with ScriptedModel([text("Hello.")]) as model:
        ada.environment |= {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": model.base_url}
        ended = await to_thread(ada.bash, f"codegen --output-format {shape} hi > /dev/full")
    assert (ended.code, ended.err) == (1, "codegen: [Errno 28] No space left on device\n")


def test_a_full_disk_is_one_line(ada: User) -> None:
    ended = ada.bash("codegen config show > /dev/full")
    last = ended.err.splitlines()[-1]
    assert (ended.code, last) == (1, "codegen: [Errno 28] No space left on device")


async def test_a_run_ends_with_its_exit_code_and_its_session_is_listed_shown_and_deleted(
    ada: User,
) -> None:
    script = [
        calls(call("Shell", command="ls"), say="I look."),
        calls(call("WriteFile", file_path="made.txt", content="x")),
        text("Nothing is there."),
    ]
    async with ScriptedModel(script, api_key=KEY) as model:
        ada.environment = {
            "OPENAI_API_KEY": KEY,
            "CODEGEN_MODEL": "openai/scripted",
            "CODEGEN_BASE_URL": model.base_url,
        }
        ended = await to_thread(ada.codegen, "--output-format", "json", "look around")
        assert ended.code == 3  # the write was denied: nobody could be asked
        summary = json.loads(ended.out)
        session_id = summary["session_id"]
        listed = await to_thread(ada.codegen, "sessions", "list")
        assert [line.split()[0] for line in listed.out.splitlines()] == [session_id]
        assert "look around" in listed.out
        shown = await to_thread(ada.codegen, "sessions", "show", session_id)
        assert shown.out.startswith("> look around\n")
        assert "  Shell ls  success\n" in shown.out
        assert "-- success (completed)" in shown.out
        deleted = await to_thread(ada.codegen, "sessions", "delete", session_id)
        assert (deleted.code, deleted.out) == (0, f"deleted {session_id}\n")
        assert (await to_thread(ada.codegen, "sessions", "list")).out == ""
        gone = await to_thread(ada.codegen, "sessions", "show", session_id)
        assert (gone.code, "no such session" in gone.err) == (6, True)


@pytest.mark.parametrize("session_id", ["nope", "../../x"])
def test_an_unknown_session_is_refused_and_leaves_no_trace(session_id: str, ada: User) -> None:
    ada.environment = {"OPENAI_API_KEY": KEY}
    ended = ada.codegen("--resume", session_id, "do it")
    assert (ended.code, ended.err) == (6, f"codegen: session {session_id}: no such session\n")
    assert ada.codegen("sessions", "list", "--all").out == ""
    shown = ada.codegen("sessions", "show", session_id)
    assert (shown.code, shown.err.count("\n")) == (6, 1)


def test_an_error_can_not_drive_the_terminal(ada: User) -> None:
    ended = ada.codegen("--cwd", "/no\x1b[2Jsuch\nplace", "do it")
    assert (ended.code, ended.err) == (
        2,
        "codegen: --cwd: /no\\x1b[2Jsuch\u23ceplace: No such file or directory\n",
    )


def test_a_key_is_kept_without_a_keyring_in_a_file_of_ones_own(ada: User) -> None:
    ended = ada.codegen("login", "openai", told=b"sk-test-0000\n")
    file = ada.config / "credentials.json"
    assert (ended.code, KEY in ended.err + ended.out) == (0, False)
    assert "0600" in ended.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(ada.config.stat().st_mode) == 0o700
    doctor = ada.codegen("doctor")
    assert "provider keys: OPENAI_API_KEY" in doctor.out
    assert KEY not in doctor.out + doctor.err
    assert ada.codegen("logout", "openai").code == 0
    assert KEY not in file.read_text()


def test_a_token_that_the_server_does_not_take_is_not_kept(ada: User) -> None:
    ended = ada.codegen("login", "--server", "http://127.0.0.1:9", told=b"cg_synthetic\n")
    assert (ended.code, ended.err.count("\n")) == (6, 1)
    assert not (ada.config / "credentials.json").exists()


def test_the_settings_are_shown_with_their_origin_and_never_the_token(ada: User) -> None:
    ada.config.mkdir(parents=True)
    (ada.config / "config.toml").write_text('model = "a/b"\n[policy]\ndeny = ["Git(push *)"]\n')
    ada.environment = {"CODEGEN_TOKEN": "cg_synthetic", "CODEGEN_MODE": "read-only"}
    ended = ada.codegen("config", "show")
    rows = {line.split()[0]: line.split(None, 1)[1] for line in ended.out.splitlines()}
    assert set(rows) == {*NAMES, "allow", "ask", "deny"}
    assert rows["token"].split() == ["(set)", "CODEGEN_TOKEN"]
    assert rows["mode"].split() == ["read-only", "CODEGEN_MODE"]
    assert rows["model"].split() == ["a/b", str(ada.config / "config.toml")]
    assert rows["deny"].startswith("Git(push *)")
    assert "cg_synthetic" not in ended.out + ended.err


def test_a_projects_settings_are_read_only_where_it_is_trusted(ada: User) -> None:
    (ada.project / ".codegen").mkdir()
    (ada.project / ".codegen" / "config.toml").write_text("not toml at all")
    assert "not read: the directory is not trusted" in ada.codegen("config", "show").err
    untrusted = ada.codegen("--output-format", "text", "do it")
    assert "no key of a model provider" in untrusted.err
    Trust(ada.state).remember(ada.project)
    trusted = ada.codegen("do it")
    assert (trusted.code, "config.toml" in trusted.err) == (2, True)


def test_a_run_in_a_directory_that_is_not_trusted_says_so(ada: User) -> None:
    (ada.project / "AGENTS.md").write_text("Speak like a pirate.")
    instructed = ada.codegen("do it")
    for name in (".git", ".codegen"):
        (ada.project / name).mkdir()
    (ada.project / ".codegen" / "plan.md").write_text("a plan of the last session")
    with_a_plan = ada.codegen("do it")
    (ada.project / ".codegen" / "config.toml").write_text("mode = 'ask'")
    all_of_it = ada.codegen("do it")

    assert "not trusted: AGENTS.md not used (--trust)" in instructed.err
    assert "not trusted: AGENTS.md, git configuration not used" in with_a_plan.err
    assert "not trusted: AGENTS.md, .codegen/, git configuration not used" in all_of_it.err


def test_doctor_finds_what_is_bad_and_says_how_to_mend_it(ada: User) -> None:
    ada.state.parent.mkdir(parents=True)
    ada.state.write_text("a file where a folder should be")
    ada.config.mkdir(parents=True)
    (ada.config / "config.toml").write_text("mode = 'loose'\n")
    ended = ada.codegen("doctor")
    bad = [line for line in ended.out.splitlines() if line.startswith("BAD")]
    assert ended.code == 1
    assert [" -> " in line for line in bad] == [True] * len(bad)
    assert any("config.toml, line 1: mode: 'loose'" in line for line in bad)
    assert any("set XDG_STATE_HOME" in line for line in bad)


def test_doctor_says_once_that_there_is_no_key(ada: User) -> None:
    told = [line for line in ada.codegen("doctor").out.splitlines() if "OPENAI_API_KEY" in line]
    assert [line[:3] for line in told] == ["BAD"]


def test_doctor_names_a_store_of_trust_that_can_not_be_read(ada: User) -> None:
    (ada.project / "AGENTS.md").write_text("x")
    ada.state.mkdir(parents=True)
    (ada.state / "trusted.json").write_text("{")
    ended = ada.codegen("doctor")
    assert ended.code == 1
    assert "trusted.json" in ended.out
    assert "-> remove the file that is named" in ended.out


@pytest.mark.parametrize("there", [True, False])
def test_doctor_tries_the_server_that_is_named(there: bool, ada: User) -> None:
    ada.environment = {"OPENAI_API_KEY": KEY}
    arguments = () if there else ("--server", "http://127.0.0.1:9")
    ended = ada.codegen("doctor", *arguments)
    assert (ended.code, "answers and lets us in" in ended.out) == (
        (0, True) if there else (1, False)
    )


async def test_without_a_writable_state_folder_reads_go_on_and_the_run_says_so(
    ada: User,
) -> None:
    (ada.project / "here.txt").write_text("found it")
    script = [calls(call("ReadFile", file_path="here.txt")), text("I read it.")]
    async with ScriptedModel(script, api_key=KEY) as model, served(model.base_url) as address:
        ada.state.parent.mkdir(parents=True)
        ada.state.write_text("a file where a folder should be")
        ended = await to_thread(ada.codegen, "--server", address, "read it")
    assert (ended.code, ended.out.strip()) == (0, "I read it.")
    assert str(ada.state) in ended.err
    assert "found it" in str(model.requests[1].messages)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("codegen --mo", ["--model", "--mode"]),
        ("codegen ses", ["sessions"]),
        ("codegen sessions d", ["delete"]),
        ("codegen doctor --ser", ["--server"]),
    ],
)
def test_bash_completes_flags_and_commands(typed: str, expected: list[str], ada: User) -> None:
    words = typed.split()
    quoted = " ".join(f'"{word}"' for word in words)
    ended = ada.bash(
        'eval "$(codegen completion bash)"\n'
        # The script starts the program by name, and a function is none for env.
        f"mkdir -p bin && printf '#!/bin/sh\\nexec {sys.executable} -P -m executor.cli.main "
        '"$@"\\n\' > bin/codegen && chmod +x bin/codegen && PATH="$PWD/bin:$PATH"\n'
        f"COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}\n"
        '_codegen_completion codegen\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    assert ended.out.split() == expected, ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str, ada: User) -> None:
    ended = ada.codegen("completion", shell)
    assert (ended.code, "_CODEGEN_COMPLETE" in ended.out) == (0, True)


def test_help_has_every_flag_and_every_command() -> None:
    told = help_text()
    assert [flag.name for flag in FLAGS if f"--{flag.name}" not in told] == []
    assert [name for name in COMMANDS if f"codegen {name}" not in told] == []


def test_the_model_that_is_asked_where_none_is_named_is_marked(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the default" not in ada.codegen("models").out
    ada.environment |= {"MISTRAL_API_KEY": KEY, "HF_TOKEN": KEY}
    lines = ada.codegen("models").out.splitlines()
    for name, value in ada.environment.items():
        monkeypatch.setenv(name, value)

    assert [line for line in lines if "the default" in line] == [
        line for line in lines if line.startswith("mistral ")
    ]
    assert default_model().startswith("mistral/")


@pytest.mark.parametrize("name", ["sessions", "shells", "maestro", "config", "policy", "audit"])
def test_the_help_of_a_group_cuts_no_line_short_and_fits_80_columns(name: str, ada: User) -> None:
    ended = ada.codegen(name, "--help")

    lines = ended.out.splitlines()
    assert (ended.code, "Commands:" in lines) == (0, True)
    assert [line for line in lines if line.endswith("...") and "Usage" not in line] == []
    assert max(map(len, lines)) <= 80


def test_the_help_of_a_command_shows_which_flags_take_a_value(ada: User) -> None:
    told = ada.codegen("undo", "--help").out

    assert "  --force       Overwrite" in told
    assert "  --to CALL     That call" in told
