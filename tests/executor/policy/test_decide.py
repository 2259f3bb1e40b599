"""What each mode, rule, path and remembered answer makes of a call, as tables."""

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.policy.call import PlannedCall
from executor.policy.policy import Policy
from executor.policy.rules import parse_rule
from executor.policy.verdict import Allow, Ask, Deny, Mode
from tests.executor.policy.ground import build, built_in, policy
from tests.yardstick import least_cost

MODES: tuple[Mode, ...] = ("read-only", "ask", "auto-edit", "auto")
PLACES = {
    "inside": "src/app.py",
    "missing": "src/new/file.py",
    "through a link that stays inside": "source/app.py",
    "by its absolute name": "{root}/src/app.py",
    "link out": "src/link",
    "below a link out": "leads_out/outside.txt",
    "outside": "../outside.txt",
    "outside, absolute": "/etc/passwd",
    "a sibling with the same beginning": "{root}-evil/x",
    "not a path": "a\0b",
    "too long": "x" * 5000,
    "secret": ".env",
    "secret, other case": ".ENV",
    "secret, missing": "config/.env.local",
    "secret through a link": "src/harmless.txt",
    "protected": ".git/config",
    "protected, missing": ".git/hooks/pre-commit",
    "protected, other case": ".Git/Hooks/pre-commit",
    "protected, dots at the end": ".git./config",
    "protected through a link": "src/notes/config",
    "protected name": "home/.bashrc",
    "own rules": ".codegen/config.toml",
    "protected, accent": ".g\u00eft/config",
    "protected, full width": "\uff0e\uff47\uff49\uff54/config",
    "protected, invisible": ".g\u200cit/hooks/x",
    "protected, long letter": ".v\u017fcode/x",
    "protected, short name": "git~1/config",
    "protected, stream": ".git::$INDEX_ALLOCATION/config",
    "protected, own folder missing": "new/.Husky/pre-commit",
    "secret, full width": "\uff0eenv",
    "secret, stream": ".env::$DATA",
    "secret, invisible": ".e\u200bnv",
}
OUTSIDE = {name for name in PLACES if "out" in name and "through" not in name} | {
    "a sibling with the same beginning", "not a path", "too long",
}  # fmt: skip
SECRET = {name for name in PLACES if name.startswith("secret")}
PROTECTED = {name for name in PLACES if name.startswith("protected")} | {"own rules"}
READING: dict[str, tuple[str, dict[str, Any]]] = {
    "ReadFile": ("file_path", {}),
    "ReadFolder": ("dir_path", {}),
    "Glob": ("path", {"pattern": "*"}),
    "Grep": ("path", {"pattern": "x"}),
}
WRITING: dict[str, tuple[str, dict[str, Any]]] = {
    "WriteFile": ("file_path", {"content": "x"}),
    "Edit": ("file_path", {"old_string": "a", "new_string": "b"}),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("outer"))


@pytest.fixture
def asking(root: Path) -> Generator[Policy]:
    with policy(root) as made:
        yield made


def _expected(place: str, mode: Mode, *, writes: bool) -> type:
    if place in OUTSIDE or place in SECRET or (writes and place in PROTECTED):
        return Deny
    if not writes:
        return Allow
    return {"read-only": Deny, "ask": Ask, "auto-edit": Allow, "auto": Allow}[mode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("tool", [*READING, *WRITING])
def test_a_file_tool_is_decided_by_its_place_and_the_mode(
    tool: str, place: str, mode: Mode, root: Path
) -> None:
    name, others = {**READING, **WRITING}[tool]
    parameters: dict[str, Any] = {name: PLACES[place].format(root=root), **others}
    call = built_in(tool, **parameters)
    with policy(root, mode=mode) as made:
        verdict = made.decide(call)
    assert type(verdict) is _expected(place, mode, writes=tool in WRITING), verdict


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("read-only", Deny), ("ask", Ask), ("auto-edit", Ask), ("auto", Allow)],
)
@pytest.mark.parametrize(
    "call",
    [
        built_in("WebFetch", url="https://docs.python.org/"),
        built_in("Clipboard", action="write", text="x"),
        built_in("Shell", command="make"),
        built_in("Shell", command="cat .env"),
        built_in("Git", args=("commit", "-m", "x")),
        PlannedCall("Deploy", "execute", {"where": "live"}, custom=True),
        PlannedCall("Deploy", "write", {"where": "live"}, custom=True),
    ],
)
def test_what_has_effects_is_decided_by_the_mode(
    call: PlannedCall, mode: Mode, expected: type, root: Path
) -> None:
    with policy(root, mode=mode) as made:
        assert type(made.decide(call)) is expected


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "call",
    [
        built_in("GetWorkingDirectory"),
        built_in("Shell", command="ls src"),
        built_in("Shell", command="ls", workdir="src"),
        built_in("Git", args=("status",)),
        PlannedCall("Lookup", "read", {"word": "x"}, custom=True),
    ],
)
def test_what_only_looks_runs_in_every_mode(call: PlannedCall, mode: Mode, root: Path) -> None:
    with policy(root, mode=mode) as made:
        assert isinstance(made.decide(call), Allow)


@pytest.mark.parametrize("workdir", ["leads_out", "..", "/", "src/../..", "leads_out/project/src"])
@pytest.mark.parametrize("mode", MODES)
def test_a_shell_whose_folder_lies_outside_is_denied_in_every_mode(
    workdir: str, mode: Mode, root: Path
) -> None:
    with policy(root, mode=mode, allow=("Shell",)) as made:
        assert isinstance(made.decide(built_in("Shell", command="ls", workdir=workdir)), Deny)


WRITE = built_in("WriteFile", file_path="src/app.py", content="x")
READ_SECRET = built_in("ReadFile", file_path=".env")
WRITE_HOOK = built_in("WriteFile", file_path=".git/hooks/pre-commit", content="x")


@pytest.mark.parametrize(
    ("rules", "call", "expected"),
    [
        ({"allow": ("Write",)}, WRITE, Allow),
        ({"allow": ("Write(src/**)",)}, WRITE, Allow),
        ({"allow": ("Write(docs/**)",)}, WRITE, Ask),
        ({"allow": ("Write(*.py)",)}, WRITE, Allow),
        ({"ask": ("Write(src/**)",), "mode": "auto"}, WRITE, Ask),
        ({"deny": ("Write",), "allow": ("Write(src/**)",)}, WRITE, Deny),
        ({"deny": ("Write(src/**)",), "allow": ("Write",), "mode": "auto"}, WRITE, Deny),
        ({"deny": ("Edit",)}, WRITE, Ask),
        ({"allow": ("Read",)}, READ_SECRET, Deny),
        ({"allow": ("Read(.env)",)}, READ_SECRET, Allow),
        ({"allow": ("Read(.env)",), "deny": ("Read",)}, READ_SECRET, Deny),
        ({"allow": ("Read(.env)",), "mode": "read-only"}, READ_SECRET, Allow),
        ({"allow": ("Read(src/*)",)}, built_in("ReadFile", file_path="src/harmless.txt"), Deny),
        ({"deny": ("Read(src/app.py)",)}, built_in("ReadFile", file_path="source/app.py"), Deny),
        ({"allow": ("Write",), "mode": "auto"}, WRITE_HOOK, Deny),
        ({"allow": ("Write(.git/hooks/*)",)}, WRITE_HOOK, Allow),
        ({"allow": ("Write",), "mode": "read-only"}, WRITE, Deny),
        ({"allow": ("Read(**)", "Write(**)")}, built_in("ReadFile", file_path="src/link"), Deny),
    ],
)
def test_rules_about_paths(
    rules: dict[str, Any], call: PlannedCall, expected: type, root: Path
) -> None:
    with policy(root, **rules) as made:
        verdict = made.decide(call)
    assert type(verdict) is expected, verdict


@pytest.mark.parametrize(
    ("rules", "command", "expected"),
    [
        ({"allow": ("Shell",)}, "rm -rf src", Allow),
        ({"allow": ("Shell(npm test *)",)}, "npm test", Allow),
        ({"allow": ("Shell(npm test *)",)}, "npm test -- --watch", Allow),
        ({"allow": ("Shell(npm test *)",)}, "npm test | tail -5", Allow),
        ({"allow": ("Shell(npm test *)",)}, "cd src && npm test", Allow),
        ({"allow": ("Shell(npm test *)",)}, "npm testing", Ask),
        ({"allow": ("Shell(npm test *)",)}, "npm test && rm -rf src", Ask),
        ({"allow": ("Shell(npm test *)",)}, "npm test; curl x | sh", Ask),
        ({"allow": ("Shell(npm test *)",)}, "npm test $(rm x)", Ask),
        ({"allow": ("Shell(npm test *)",)}, "npm test > out", Ask),
        ({"allow": ("Shell(npm test *)",)}, "npm test & rm x", Ask),
        ({"allow": ("Shell(npm test *)",)}, "X=1 npm test", Ask),
        ({"allow": ("Shell(npm test *)",)}, "cd leads_out && npm test", Ask),
        ({"allow": ("Shell(npm test)", "Shell(npm ci)")}, "npm ci && npm test", Allow),
        ({"allow": ("Shell(npm test)",)}, "npm test x", Ask),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "git push", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "ls && git push origin main", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "/usr/bin/git push", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "sudo -u x git push", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "A=1 git push", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "git -C . push", Deny),
        ({"deny": ("Git(push *)",), "mode": "auto"}, "git push --force", Deny),
        ({"deny": ("Git",), "mode": "auto"}, "git status", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "(git push)", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "ls\ngit push", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "echo $(git push)", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "git 'push' > x", Deny),
        ({"deny": ("Shell(git push *)",), "mode": "auto"}, "git $X", Ask),
        ({"mode": "auto"}, "git $X", Allow),
        ({"deny": ("Shell(git push *)",), "allow": ("Shell",)}, "git push", Deny),
        ({"ask": ("Shell(npm publish *)",), "mode": "auto"}, "npm publish", Ask),
        ({"ask": ("Shell(npm publish *)",), "mode": "auto"}, "npm test", Allow),
        ({"allow": ("Shell",), "mode": "read-only"}, "npm test", Deny),
        ({"deny": ("Read(src/**)",)}, "cat src/app.py", Ask),
        ({"ask": ("Read(src/**)",)}, "cat src/app.py", Ask),
    ],
)
def test_rules_about_commands(
    rules: dict[str, Any], command: str, expected: type, root: Path
) -> None:
    with policy(root, **rules) as made:
        verdict = made.decide(built_in("Shell", command=command))
    assert type(verdict) is expected, verdict


def test_a_rule_about_the_shells_git_holds_for_the_git_tool_too(root: Path) -> None:
    with policy(root, mode="auto", deny=("Shell(git push *)",)) as made:
        assert isinstance(made.decide(built_in("Git", args=("push",))), Deny)


@pytest.mark.parametrize(
    ("asked", "remembered", "covered", "not_covered"),
    [
        (
            "make test",
            'commands that begin with "make test"',
            ["make test", "make test FAST=1", "make test | tail -3"],
            ["make", "make clean", "make test; rm x", "make test > out", "sudo make test"],
        ),
        ("cd src && cargo build", 'commands that begin with "cargo build"', ["cargo build"], []),
        ("npm run lint", 'exactly "npm run lint"', ["npm run lint"], ["npm run", "npm run evil"]),
        ("curl x.test", 'exactly "curl x.test"', ["curl x.test"], ["curl x.test -o .bashrc"]),
        ("rm x", 'exactly "rm x"', ["rm x"], ["rm x src", "rm"]),
        ("bash x.sh", 'exactly "bash x.sh"', ["bash x.sh"], ["bash x.sh y", "bash"]),
        ("git add src", 'commands that begin with "git add"', ["git add ."], ["git rm x"]),
        ("git push", 'exactly "git push"', ["git push"], ["git push --force", "git push x"]),
        ("git reset --hard", 'exactly "git reset --hard"', ["git reset --hard"], ["git reset"]),
        ("git -C x add y", 'exactly "git -C x add y"', ["git -C x add y"], ["git -C z add y"]),
    ],
)
def test_a_remembered_yes_covers_what_the_question_said_and_nothing_else(
    asked: str, remembered: str, covered: list[str], not_covered: list[str], asking: Policy
) -> None:
    ask = asking.decide(built_in("Shell", command=asked))
    assert isinstance(ask, Ask)
    assert ask.remember == remembered
    asking.remember(ask)
    verdicts = {
        command: type(asking.decide(built_in("Shell", command=command)))
        for command in (asked, *covered, *not_covered)
    }
    assert verdicts == dict.fromkeys((asked, *covered), Allow) | dict.fromkeys(not_covered, Ask)


@pytest.mark.parametrize(
    "command",
    ["make $X", "make test && npm test", "make 'a b'", "make '*'", "make ''", "make 'x)'"],
)
def test_what_no_rule_can_spell_is_asked_each_time(command: str, asking: Policy) -> None:
    ask = asking.decide(built_in("Shell", command=command))
    assert isinstance(ask, Ask)
    assert (ask.remember, ask.remember_rule) == ("", "")
    before = asking.state
    asking.remember(ask)
    assert asking.state == before


def test_a_remembered_yes_to_edits_lifts_neither_secrets_nor_protection(asking: Policy) -> None:
    ask = asking.decide(WRITE)
    assert isinstance(ask, Ask)
    assert ask.remember == "all edits of files in this project"
    asking.remember(ask)
    assert isinstance(asking.decide(WRITE), Allow)
    assert isinstance(asking.decide(WRITE_HOOK), Deny)
    assert isinstance(asking.decide(built_in("WriteFile", file_path=".env", content="x")), Deny)


def test_a_remembered_yes_to_a_custom_tool_covers_that_tool(asking: Policy) -> None:
    ask = asking.decide(PlannedCall("Deploy", "execute", {"where": "here"}, custom=True))
    assert isinstance(ask, Ask)
    assert ask.remember == "every call of Deploy"
    asking.remember(ask)
    there = PlannedCall("Deploy", "execute", {"where": "there"}, custom=True)
    assert isinstance(asking.decide(there), Allow)
    assert isinstance(asking.decide(PlannedCall("Delete", "execute", {}, custom=True)), Ask)


@pytest.mark.parametrize("path", [".codegen/plan.md", "AGENTS.md", ".CODEGEN/plan.md", "agents.md"])
@pytest.mark.parametrize("trusted", [True, False])
def test_instructions_are_gathered_only_where_the_directory_is_trusted(
    path: str, *, trusted: bool, root: Path
) -> None:
    with policy(root, trusted=trusted, allow=("Read(**)",)) as made:
        verdict = made.decide(built_in("ReadFile", file_path=path, bootstrap=True))
    assert type(verdict) is (Allow if trusted else Deny)


@pytest.mark.parametrize("mode", MODES[:3])
def test_git_in_the_shell_needs_trust_and_the_git_tool_does_not(mode: Mode, root: Path) -> None:
    with policy(root, mode=mode, trusted=False) as made:
        looked = made.decide(built_in("Shell", command="git log --oneline -10", bootstrap=True))
        assert not isinstance(looked, Allow)
        assert isinstance(made.decide(built_in("Git", args=("log", "-10"))), Allow)


def test_a_program_that_the_project_puts_before_others_on_path_asks(tmp_path: Path) -> None:
    root = build(tmp_path)
    planted = root / "bin" / "ls"
    planted.write_text("#!/bin/sh\n")
    planted.chmod(0o755)
    with policy(root, path=f"{root}/bin:/usr/bin:/bin") as made:
        assert isinstance(made.decide(built_in("Shell", command="ls")), Ask)
        assert isinstance(made.decide(built_in("Shell", command="cat README.md")), Allow)


def test_a_folder_with_too_many_names_is_not_searched_unasked(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "many").mkdir()
    for number in range(3001):
        (root / "many" / f"{number}").touch()
    with policy(root) as made:
        assert isinstance(made.decide(built_in("Shell", command="grep -r x many")), Ask)
        assert isinstance(made.decide(built_in("Shell", command="grep -r x src")), Allow)


@pytest.mark.parametrize(
    "line",
    [
        " && ".join(["ls"] * 10_000),
        "ls;" * 10_000,
        "ls | " * 10_000,
        "'a'" * 20_000,
        "a" * 65_000,
        "~" * 65_000,
        "$(" * 30_000,
    ],
)
def test_a_decision_about_a_huge_line_takes_milliseconds(line: str, asking: Policy) -> None:
    call = built_in("Shell", command=line)

    assert isinstance(asking.decide(call), Ask)
    assert least_cost(lambda: asking.decide(call)) < 0.005


@given(text=st.text(min_size=1), other=st.none() | st.text(), mode=st.sampled_from(MODES))
def test_a_decision_is_made_about_anything(
    root: Path, text: str, other: str | None, mode: Mode
) -> None:
    rules = ("Shell(git push *)", "Write(src/**)", "Git(push *)")
    with policy(root, mode=mode, deny=rules, ask=("Read(*.md)",), allow=("Shell(make *)",)) as made:
        for call in (
            built_in("Shell", command=text, workdir=other),
            built_in("Git", args=(text, other or text)),
            built_in("ReadFile", file_path=text),
            built_in("WriteFile", file_path=text, content=""),
            PlannedCall("Any", "execute", {"x": text}, custom=True),
        ):
            verdict = made.decide(call)
            if isinstance(verdict, Ask):
                made.remember(verdict)


WORDS = st.sampled_from(
    ["ls", "cat", "git", "push", "&&", "||", ";", "|", "&", ">", "<", "$(", ")", "`", "'", '"',
     "\\", "~", "..", "/etc/passwd", ".env", "-r", "--", "cd", "\n", "*", "{a,b}", "#", "=", "x"]
)  # fmt: skip


@given(line=st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
def test_no_line_of_hostile_words_leads_outside_unasked(root: Path, line: str) -> None:
    with policy(root) as made:
        verdict = made.decide(built_in("Shell", command=line))
    if isinstance(verdict, Allow):
        bare = re.sub(r"'[^']*'|\"[^\"]*\"|\\\\.|#.*", "", line)
        assert not set(bare) & set(">`$~*")
        assert "&" not in bare.replace("&&", "")


def test_the_mode_of_a_session_can_be_changed(asking: Policy) -> None:
    asking.set_mode("read-only")
    assert isinstance(asking.decide(WRITE), Deny)


def test_what_is_no_known_tool_is_asked_about_each_time(asking: Policy) -> None:
    call = PlannedCall("Teleport", "execute", built_in("GetWorkingDirectory").parameters)
    assert asking.decide(call) == Ask("it is not known to only look", "mode ask")


def test_a_rule_without_a_pattern_covers_every_command_host_and_path() -> None:
    rule = parse_rule("Shell")
    assert (rule.matches_words(("x",)), rule.matches_path("x"), rule.matches_host("x")) == (
        (True,) * 3
    )


@pytest.mark.parametrize("name", [".e\u200bnv", ".ssh", "id_rsa.pub", "a.pem"])
def test_a_folder_that_holds_a_secret_by_any_name_is_not_searched(
    name: str, tmp_path: Path
) -> None:
    root = build(tmp_path)
    (root / "src" / name).touch()
    with policy(root) as made:
        verdict = made.decide(built_in("Shell", command="grep -r x src"))
        assert type(verdict) is (Allow if name == "id_rsa.pub" else Ask)


@pytest.mark.parametrize(("count", "pattern"), [(3001, "*.a"), (201, "*.a"), (1, "?.a")])
def test_wildcards_for_too_many_or_uncertain_names_ask(
    count: int, pattern: str, tmp_path: Path
) -> None:
    root = build(tmp_path)
    for number in range(count):
        (root / "src" / f"\u00e9{number}.a").touch()
    with policy(root) as made:
        assert isinstance(made.decide(built_in("Shell", command=f"ls src/{pattern}")), Ask)
