"""The audit log: what it holds, what tampering it shows, and what a full disk does to calls."""

import json
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.audit import AuditLog, Checked, audit_files, checked
from executor.audit.checking import records
from executor.audit.cut import digest_of
from executor.errors import JournalError, UsageError
from protocol.from_executor import ResultMetadata, ToolResult
from protocol.from_maestro import RunTool
from protocol.wire import FileChange
from tests.requirements import covers


def filled(state: Path, name: str = "s1", calls: int = 5) -> Path:
    log = AuditLog(state, name, lambda text: text.replace("hush", "***"), {"mode": "ask"})
    for n in range(calls):
        log.ordered(RunTool("Shell", f"t{n}", "g1", {"command": f"echo hush {n}"}))
        log.decided(f"t{n}", "allow", "it only looks", "policy", effects=False)
        change = FileChange("a.txt", "created")
        log.ended(
            ToolResult(f"t{n}", "success", "out", "g1", metadata=ResultMetadata(changes=(change,)))
        )
    log.close()
    return state / "audit" / f"{name}.jsonl"


def without_time(file: Path) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in record.items() if key not in ("at", "prev")}
        for record in records(file)
    ]


@covers("R-HOSTS-4")
def test_a_host_that_a_command_asked_for_is_a_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "s1", lambda text: text.replace("hush", "***"))
    log.reached("t1", "hush.example", 443, "refused")
    log.close()
    file = tmp_path / "audit" / "s1.jsonl"

    assert without_time(file)[1] == {
        "n": 2,
        "what": "network",
        "tool_id": "t1",
        "host": "***.example",
        "port": 443,
        "verdict": "refused",
    }
    assert checked(file).problem == ""


@covers("R-AUDIT-1")
def test_every_order_decision_and_result_is_a_line(tmp_path: Path) -> None:
    file = filled(tmp_path, calls=1)

    assert without_time(file) == [
        {"n": 1, "what": "opened", "session": "s1", "mode": "ask"},
        {
            "n": 2,
            "what": "order",
            "tool_id": "t0",
            "generation_id": "g1",
            "tool": "Shell",
            "parameters": {"command": "echo *** 0"},
            "digest": digest_of({"command": "echo hush 0"}),
        },
        {
            "n": 3,
            "what": "decision",
            "tool_id": "t0",
            "verdict": "allow",
            "why": "it only looks",
            "by": "policy",
        },
        {
            "n": 4,
            "what": "result",
            "tool_id": "t0",
            "status": "success",
            "bytes": 3,
            "digest": digest_of("out"),
            "changes": [["created", "a.txt"]],
        },
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_whole_log_is_whole_also_when_it_is_opened_again(tmp_path: Path) -> None:
    file = filled(tmp_path)
    filled(tmp_path)
    found = checked(file)
    assert (found.problem, found.note, found.end.n) == ("", "", 32)


def _edit(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"echo *** 2", b"echo ok") for line in lines]


TAMPERINGS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "a line is edited": (_edit, "line 9 does not follow"),
    "the last line is edited": (
        lambda lines: [*lines[:-1], lines[-1].replace(b"success", b"failure")],
        "line 16 is not the one that was written",
    ),
    "a line is deleted": (lambda lines: lines[:4] + lines[5:], "line 5 does not follow"),
    "the first line is deleted": (lambda lines: lines[1:], "line 1 does not follow"),
    "two lines change places": (
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        "line 4 does not follow",
    ),
    "a line is doubled": (lambda lines: [*lines[:4], *lines[3:]], "line 5 does not follow"),
    "the last line is cut off": (lambda lines: lines[:-1], "the last 1 of 16 lines are missing"),
    "the tail is cut off": (lambda lines: lines[:7], "the last 9 of 16 lines are missing"),
    "all is cut off": (lambda _: [], "the last 16 of 16 lines are missing"),
    "half of the last line": (
        lambda lines: [*lines[:-1], lines[-1][:-9]],
        "the last 1 of 16 lines are missing",
    ),
    "something else stands there": (lambda lines: [*lines[:2], b"hello\n"], "line 3 is no record"),
    "no object stands there": (lambda lines: [*lines[:2], b"[1]\n"], "line 3 is no record"),
}


@covers("R-AUDIT-2")
@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(name: str, tmp_path: Path) -> None:
    file = filled(tmp_path)
    change, problem = TAMPERINGS[name]
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))

    assert problem in checked(file).problem

    filled(tmp_path)  # who goes on with such a log does not heal it
    assert checked(file).problem


@covers("R-AUDIT-2")
def test_lines_that_somebody_added_are_found(tmp_path: Path) -> None:
    file = filled(tmp_path)
    head = file.with_suffix(".head").read_bytes()
    filled(tmp_path)
    file.with_suffix(".head").write_bytes(head)
    assert checked(file).problem == "16 lines stand behind its anchor"
    file.with_suffix(".head").write_bytes(b"nonsense")
    assert checked(file).problem == "its anchor (.head) is missing or damaged"
    file.with_suffix(".head").unlink()
    assert checked(file).problem == "its anchor (.head) is missing or damaged"


def test_what_a_killed_process_leaves_is_no_tampering(tmp_path: Path) -> None:
    file = filled(tmp_path)
    with file.open("ab") as log:
        log.write(b'{"prev":"')
    assert checked(file) == Checked(
        "s1", checked(file).end, note="its last line is torn, as when a process is killed"
    )
    filled(tmp_path)
    found = checked(file)
    assert (found.problem, found.note) == ("", "")
    assert [record["mended"] for record in records(file) if "mended" in record] == [9]


def test_parameters_are_bounded(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "s1")
    deep: Any = "end"
    for _ in range(60):
        deep = [deep]
    given = {"long": "x" * 10**6, "many": list(range(1000)), "deep": deep, "n": 1}
    log.ordered(RunTool("T" * 10_000, "i", "g", given))
    log.close()
    file = tmp_path / "audit" / "s1.jsonl"
    order = without_time(file)[1]
    assert order["parameters"]["many"] == "[1000 values]"
    assert order["parameters"]["long"].endswith("[... 998000 more]")
    assert file.stat().st_size < 10_000


@covers("R-AUDIT-1")
def test_what_can_not_be_told_of_has_no_effects(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "s1")
    log.ordered(RunTool("Shell", "t1", "g1", {}))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, ((tmp_path / "audit/s1.jsonl").stat().st_size + 10, hard)
    )
    try:
        log.decided("t1", "allow", "", "policy", effects=False)
        log.decided("t1", "deny", "", "policy", effects=True)
        with pytest.raises(JournalError, match=r"audit log .* can't be written"):
            log.decided("t1", "allow", "", "user", effects=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    log.decided("t1", "allow", "", "user", effects=True)
    log.close()
    found = checked(tmp_path / "audit" / "s1.jsonl")
    assert (found.problem, found.end.n) == ("", 3)


def test_a_folder_that_can_not_be_made_refuses_effects_alone(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("in the way")
    log = AuditLog(tmp_path, "s1")
    log.ordered(RunTool("Shell", "t1", "g1", {}))
    log.decided("t1", "allow", "", "policy", effects=False)
    with pytest.raises(JournalError):
        log.decided("t1", "allow", "", "policy", effects=True)


def test_a_log_is_named_by_its_first_characters(tmp_path: Path) -> None:
    first, second = filled(tmp_path, "ab1"), filled(tmp_path, "ab2")
    os.utime(first, (1, 1))
    assert audit_files(tmp_path) == [first, second]
    assert audit_files(tmp_path, "ab2") == [second]
    with pytest.raises(UsageError, match="2 audit logs begin with 'ab'"):
        audit_files(tmp_path, "ab")
    assert audit_files(tmp_path / "nowhere") == []


def test_the_oldest_logs_go_when_there_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = filled(tmp_path, "old"), filled(tmp_path, "new")
    os.utime(old, (1, 1))
    monkeypatch.setattr("executor.audit.log.MAX_ALL_BYTES", new.stat().st_size + 10)
    last = filled(tmp_path, "last")
    assert sorted(file.name for file in last.parent.iterdir()) == [
        "last.head",
        "last.jsonl",
        "new.head",
        "new.jsonl",
    ]
    assert json.loads(last.read_text().splitlines()[0])["n"] == 1
