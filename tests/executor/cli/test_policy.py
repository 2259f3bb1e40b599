"""`codegen policy`: what it says of a call, by which rule, and where that is written."""

import json
from pathlib import Path

import pytest

from executor.cli.main import main
from executor.sandbox.detect import look
from tests.requirements import covers


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    config = tmp_path / "config" / "codegen"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(
        '[policy]\nallow = ["Shell(npm test *)"]\ndeny = [\n  "Shell(rm *)",\n'
        '  "WebFetch(*.evil.test)",\n]\n'
    )
    for name, effect in (("Deploy", "execute"), ("ticket", "read")):
        with (tmp_path / "config" / "codegen" / "tools.toml").open("a") as file:
            file.write(f'[{name}]\ncommand = ["/bin/true"]\neffect = "{effect}"\n')
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("CODEGEN_MODE", "CODEGEN_TRUST", "CODEGEN_NO_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    return root


@covers("R-POLICY-9")
@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("Shell make test", 10, "asks: make is not known to only look\n  by    mode ask (default)"),
        ("Shell ls -la", 0, "runs unasked: it only looks\n"),
        ("Read(.env)", 11, "denied: .env holds secrets"),
        ("Write(.git/hooks/x)", 11, "can make code run later"),
        ("Write src/x", 10, "as Write\n"),
        ("Edit(../x)", 11, "denied: "),
        ("ReadFolder", 0, "runs unasked"),
        ("Glob(src)", 0, "runs unasked"),
        ("Grep .ssh", 11, "denied"),
        ("GetWorkingDirectory", 0, "runs unasked"),
        ("Git push origin", 10, "reaches another machine"),
        ("Shell(sudo rm -rf build)", 11, "deny Shell(rm *) ({config}, line 4)"),
        ("Shell npm test -- x", 0, "allow Shell(npm test *) ({config}, line 2)"),
        ("WebFetch(docs.python.org)", 10, "or always as WebFetch(docs.python.org)"),
        ("WebFetch http://a.EVIL.test./x", 11, "line 5"),
        ("Deploy", 10, "Deploy may do anything"),
        ("ticket", 0, "runs unasked"),
    ],
)
def test_a_call_is_told_with_verdict_rule_and_place(
    call: str, code: int, words: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "check", call]) == code
    config = project.parent / "config" / "codegen" / "config.toml"
    assert words.replace("{config}", str(config)) in capsys.readouterr().out


@pytest.mark.parametrize("call", ["???", "Shell", "Git"])
@pytest.mark.usefixtures("project")
def test_what_is_no_call_is_bad_usage(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", call]) == 2
    assert repr(call) in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_a_tool_that_there_is_not_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "git status"]) == 2
    assert "there is no tool 'git': did you mean Git? see codegen tools" in capsys.readouterr().err
    assert main(["policy", "check", "Xyzzy"]) == 2
    assert "there is no tool 'Xyzzy': see codegen tools" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_a_verdict_can_be_had_as_json_and_for_another_mode(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEGEN_NO_SANDBOX", "1")
    assert main(["policy", "check", "--json", "--mode", "auto", "Shell", "make"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "verdict": "allow", "tool": "Shell", "why": "", "rule": "mode auto", "origin": "flag",
        "remember": "", "lasting": False, "asks_for_losses": False,
    }  # fmt: skip
    assert main(["policy", "check", "--mode", "auto", "Shell git reset --hard"]) == 0
    assert "asks first where work would be lost" in capsys.readouterr().out
    assert main(["policy", "check", "--mode", "wild", "Shell make"]) == 2


CLOSED = "commands have no network"
UNCONFINED = "without a sandbox commands reach whatever their user can"
NO_EFFECT = "network = a.example has no effect"
ONE_BY_ONE = "through a filter, and nothing else of the network"
UNDIVIDED = "landlock can't tell hosts apart, so that"


@pytest.mark.parametrize(
    ("sandbox", "network", "shown"),
    [
        ("none", "a.example", f"open: {UNCONFINED}; {NO_EFFECT}"),
        (
            "bubblewrap",
            "a.example,[::1]:80",
            f"commands may reach a.example, [::1]:80 {ONE_BY_ONE}",
        ),
        ("bubblewrap", "", CLOSED),
        ("bubblewrap", "all", "commands may use the whole network (network = ['all'])"),
        ("landlock", "a.example", f"{CLOSED}: {UNDIVIDED} {NO_EFFECT} (bubblewrap can)"),
    ],
)
@pytest.mark.usefixtures("project")
def test_what_commands_reach_is_shown_as_it_is_in_force(
    sandbox: str,
    network: str,
    shown: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    findings = look()
    if sandbox != "none" and not getattr(findings, sandbox):
        pytest.skip(f"no {sandbox} on this machine")
    monkeypatch.setenv("CODEGEN_SANDBOX", sandbox)
    monkeypatch.setenv("CODEGEN_NETWORK", network)

    assert main(["policy", "show", "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    origin = "CODEGEN_NETWORK" if network else "default"
    assert rows["network"] == {"what": "network", "value": shown, "origin": origin}


def test_what_is_in_force_is_shown_with_its_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "show"]) == 0
    shown = capsys.readouterr().out
    assert "mode         ask  (default)\n" in shown
    assert "Shell(rm *)  (" in shown
    assert main(["policy", "show", "--json", "--mode", "read-only"]) == 0
    rows = json.loads(capsys.readouterr().out)
    config = project.parent / "config" / "codegen" / "config.toml"
    assert rows[0] == {"what": "mode", "value": "read-only", "origin": "flag"}
    assert {"what": "allow", "value": "Shell(npm test *)", "origin": f"{config}, line 2"} in rows
