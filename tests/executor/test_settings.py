"""How defaults, files, environment and flags settle a value, and what bad ones say."""

from pathlib import Path
from typing import Any

import pytest

from executor.errors import UsageError
from executor.settings import Settings, folders, resolve
from tests.requirements import covers


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@covers("R-CLI-14")
def test_flags_outrank_environment_which_outranks_the_file(tmp_path: Path) -> None:
    file = _write(tmp_path / "config.toml", 'model = "a/x"\neffort = "low"\nmode = "read-only"\n')
    environment = {"CODEGEN_MODEL": "b/y", "CODEGEN_MODE": "auto-edit"}
    settings = resolve({"model": "c/z"}, environment, config_file=file)
    assert (settings.model, settings.mode, settings.effort) == ("c/z", "auto-edit", "low")
    assert settings.origins == {"model": "flag", "mode": "CODEGEN_MODE", "effort": str(file)}


@covers("R-POLICY-4")
def test_a_project_can_only_tighten(tmp_path: Path) -> None:
    user = _write(tmp_path / "user.toml", 'max_steps = 10\n[policy]\nallow = ["Shell(make *)"]\n')
    project = _write(
        tmp_path / "project.toml",
        'server = "wss://evil.test"\nmodel = "evil/model"\nmode = "auto"\nmax_steps = 50\n'
        "no_sandbox = true\ntrust = true\nmax_seconds = 60\n"
        '[policy]\nallow = ["Shell"]\ndeny = ["Write(db/**)"]\n',
    )
    settings = resolve({}, {}, config_file=user, project_file=project)
    assert settings == Settings(
        max_steps=10,
        max_seconds=60,
        allow=("Shell(make *)",),
        deny=("Write(db/**)",),
        origins={
            "max_steps": str(user),
            "allow": str(user),
            "max_seconds": str(project),
            "deny": str(project),
            "allow Shell(make *)": f"{user}, line 3",
            "deny Write(db/**)": f"{project}, line 10",
        },
    )


def test_a_project_may_ask_for_a_tighter_mode(tmp_path: Path) -> None:
    project = _write(tmp_path / "project.toml", 'mode = "read-only"\n')
    assert resolve({"mode": "auto-edit"}, {}, project_file=project).mode == "read-only"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mode = 1\n", "line 1: mode: 1 is none of read-only, ask, auto-edit, auto"),
        ("\nmodle = 'x'\n", "line 2: modle: there is no such setting"),
        ("max_steps = 'many'\n", "line 1: max_steps: 'many' is not a number"),
        ("max_steps = 0\n", "line 1: max_steps: 0 is not above 0"),
        ("no_sandbox = 'perhaps'\n", "no_sandbox: 'perhaps' is neither true nor false"),
        ("mode = \n", "line 1"),
        ("policy = 3\n", "line 1: policy is not a table"),
        ("[policy]\nallow = 'x'\n", "line 2: allow is not a list of strings"),
        ("[policy]\ndeny = ['rm (']\n", "line 2: deny: policy rule 'rm (' is not of the form"),
        ("[sandbox]\nkind = 'box'\n", "sandbox: 'box' is none of auto, bubblewrap"),
        ("[sandbox]\nhosts = 'box'\n", "line 2: hosts: [sandbox] has only kind, network, writable"),
        ("mode = 'ask'\n[sandbx]\nkind = 'none'\n", "line 2: sandbx: there is no such setting"),
        ("[sandbox]\nnetwork = ['all', 'a.example']\n", "network: 'all' stands alone"),
        ("[sandbox]\nnetwork = ['localhost']\n", "network: 'localhost' is not on the public"),
        ("[sandbox]\nnetwork = 'x://a.example'\n", "network: 'x://a.example': '//a.example' is no"),
        (f"[sandbox]\nnetwork = {['a.example'] * 101}\n", "network: 101 hosts; there may be 100"),
        ("[shell]\nkind = 'box'\n", "line 2: kind: [shell] has only keep_background"),
        ("[shell]\nkeep_background = 'x'\n", "keep_background: 'x' is neither true nor false"),
        ("[sandbox]\nwritable = 3\n", "line 2: writable is not a list of strings"),
        ("[policy]\nforbid = ['x']\n", "line 2: forbid: a policy has only allow, ask, deny"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    file = _write(tmp_path / "config.toml", text)
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, config_file=file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"config\.toml: can't be read"):
        resolve({}, {}, config_file=file)


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert resolve({}, {}, config_file=tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"mode": "auto", "sandbox": "none"}, "--no-sandbox"),
        (
            {"sandbox": "box"},
            "'box' is none of auto, bubblewrap, landlock, seatbelt, container, none",
        ),
        ({"server": "ftp://x"}, "--server: expected ws://, wss:// or unix:"),
        ({"server": "wss://x", "base_url": "http://y"}, "--base-url is a setting of the maestro's"),
        ({"server": "wss://x", "record": "f"}, "--record is a setting of the maestro's"),
        ({"server": "wss://x", "model": "replay:f"}, "--model replay:FILE needs a private maestro"),
        ({"base_url": "localhost:1"}, "--base-url: expected http:// or https://"),
        ({"ca_file": "/no/such.pem"}, "--ca-file: there is no file /no/such.pem"),
        ({"output_format": "xml"}, "--output-format: 'xml' is none of text, json, stream-json"),
        ({"max_cost": "free"}, "--max-cost: 'free' is not a number"),
    ],
)
def test_a_bad_flag_is_named(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(flags, {})
    assert words in str(caught.value)


def test_auto_is_had_by_the_flag_that_names_the_risk() -> None:
    assert resolve({"mode": "auto", "no_sandbox": True}, {}).mode == "auto"


def test_the_sandbox_is_settled_by_a_table_of_its_own(tmp_path: Path) -> None:
    user = _write(
        tmp_path / "user.toml",
        '[sandbox]\nkind = "landlock"\nnetwork = ["all"]\nwritable = ["/data"]\n',
    )
    project = _write(
        tmp_path / "project.toml",
        'no_sandbox = true\n[sandbox]\nkind = "none"\nnetwork = []\nwritable = ["/"]\n',
    )
    mine = resolve({}, {}, config_file=user)
    both = resolve({}, {}, config_file=user, project_file=project)
    assert (mine.sandbox, mine.network, mine.writable) == ("landlock", ("all",), ("/data",))
    assert (both.sandbox, both.network, both.writable) == ("landlock", (), ("/data",))
    assert both.no_sandbox is False


def test_a_project_does_not_open_the_network(tmp_path: Path) -> None:
    project = _write(tmp_path / "project.toml", '[sandbox]\nnetwork = ["all"]\n')
    assert resolve({}, {}, project_file=project).network == ()


@covers("R-HOSTS-5")
def test_a_project_takes_hosts_away_and_its_file_is_named(tmp_path: Path) -> None:
    user = _write(tmp_path / "user.toml", '[sandbox]\nnetwork = ["GitHub.com.", "*.gitlab.com"]\n')
    less = _write(tmp_path / "less.toml", '[sandbox]\nnetwork = ["github.com", "evil.example"]\n')
    more = _write(tmp_path / "more.toml", '[sandbox]\nnetwork = ["all"]\n')

    mine = resolve({}, {}, config_file=user)
    assert mine.network == ("github.com", "*.gitlab.com")
    tightened = resolve({}, {}, config_file=user, project_file=less)
    assert tightened.network == ("github.com",)
    assert tightened.origins["network"] == str(less)
    assert resolve({}, {}, config_file=user, project_file=more) == mine
    assert resolve({}, {"CODEGEN_NETWORK": "a.example, b.example:8443"}).network == (
        "a.example",
        "b.example:8443",
    )


def test_folders_follow_xdg_and_fall_back_to_the_home() -> None:
    plain = folders({"HOME": "/home/ada"})
    assert plain.config_file == Path("/home/ada/.config/codegen/config.toml")
    assert plain.runtime == Path("/home/ada/.local/state/codegen/run")
    told = folders({"HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/7", "XDG_STATE_HOME": "/s"})
    assert (told.runtime, told.state) == (Path("/run/user/7/codegen"), Path("/s/codegen"))


def test_a_token_is_in_no_repr() -> None:
    assert "cg_synthetic" not in repr(resolve({"token": "cg_synthetic"}, {}))


def test_a_trailer_is_one_line_and_not_a_projects_to_set(tmp_path: Path) -> None:
    project = tmp_path / "config.toml"
    project.write_text('commit_trailer = "Reviewed-by: evil"\n')
    environment = {"CODEGEN_COMMIT_TRAILER": "Assisted-by: codegen"}

    assert resolve({}, environment).commit_trailer == "Assisted-by: codegen"
    assert resolve({}, {}, project_file=project).commit_trailer is None
    for bad in ("no trailer", "A: b\nC: d", ": x", "Name: "):
        with pytest.raises(UsageError, match="is no trailer"):
            resolve({}, {"CODEGEN_COMMIT_TRAILER": bad})


def test_what_is_printed_of_settings_lacks_the_token() -> None:
    shown = repr(Settings(server="wss://example.test", token="t0p"))

    assert "server='wss://example.test'" in shown
    assert "t0p" not in shown
