"""A rule that is kept for ever: what becomes of the user's file, whatever it looks like."""

import os
import stat
import threading
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import UsageError
from executor.policy.kept_rules import FILE_MAX, keep, with_rule
from tests.requirements import covers

RULE = "Git(status *)"


@covers("R-POLICY-5")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[policy]\nallow = ["Git(status *)"]\n'),
        ("mode = 'ask'", "mode = 'ask'\n\n[policy]\nallow = [\"Git(status *)\"]\n"),
        ("[policy]\n", '[policy]\nallow = ["Git(status *)"]\n'),
        (
            '[policy] # mine\ndeny = ["Shell"]\n',
            '[policy] # mine\nallow = ["Git(status *)"]\ndeny = ["Shell"]\n',
        ),
        ("[policy]\nallow = []\n", '[policy]\nallow = ["Git(status *)"]\n'),
        ("[policy]\nallow = [ 'A' ] # x\n", "[policy]\nallow = [ 'A', \"Git(status *)\" ] # x\n"),
        ("[policy]\nallow = ['A',]\n", "[policy]\nallow = ['A', \"Git(status *)\"]\n"),
        (
            '[policy]\nallow = [\n  "A", # why, ["]\n]\n[x]\n',
            '[policy]\nallow = [\n  "A", # why, ["]\n  "Git(status *)",\n]\n[x]\n',
        ),
        (
            "[policy]\nallow = [\n\t'A'\n]\n",
            "[policy]\nallow = [\n\t'A',\n\t\"Git(status *)\",\n]\n",
        ),
        ('[policy]\nallow = ["Git(status *)"]\n', '[policy]\nallow = ["Git(status *)"]\n'),
        (
            "[policy]\nallow = [\n 'A', ]\n",
            "[policy]\nallow = [\n 'A',\n \"Git(status *)\", ]\n",
        ),
        ('policy.allow = ["A"]\n', None),
        ('policy = { allow = ["A"] }\n', None),
        ("policy = 1\n", None),
        ("[policy]\nallow = 1\n", None),
        ("[policy]\nallow = [['A']]\n", None),
        ("[policy]\nallow = ['''A\n''']\n", None),
        ("a = '''\n[policy]\n'''\n", None),
        ("not toml", None),
    ],
)
def test_a_rule_is_added_in_place_or_not_at_all(before: str, after: str | None) -> None:
    assert with_rule(before, RULE) == after


@given(
    allow=st.lists(st.text(st.characters(codec="ascii", exclude_characters="\x7f"), max_size=8)),
    rule=st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1),
    layout=st.sampled_from(["{}", " {} ", "\n  {}\n", "\n  {},\n", "{}, # [']\n"]),
)
def test_whatever_is_added_the_rest_of_the_file_means_the_same(
    allow: list[str], rule: str, layout: str
) -> None:
    listed = layout.format(", ".join(f"'{one}'" for one in allow if "'" not in one))
    text = f"model = 'm'\n[policy]\nask = ['B']\nallow = [{listed}]\n[x]\ny = 1\n"
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    added = with_rule(text, rule)
    if added is not None:
        after = tomllib.loads(added)
        assert after["policy"].pop("allow") == [
            *(kept for kept in before["policy"]["allow"]),
            *([] if rule in before["policy"]["allow"] else [rule]),
        ]
        before["policy"].pop("allow")
        assert after == before


def test_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "codegen" / "config.toml"
    keep(file, RULE)
    assert file.read_text() == f'[policy]\nallow = ["{RULE}"]\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["config.toml"]


def test_a_file_behind_a_link_keeps_link_and_mode(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("mode = 'ask'\n")
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    keep(link, RULE)
    keep(link, RULE)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert tomllib.loads(real.read_text()) == {"mode": "ask", "policy": {"allow": [RULE]}}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"policy = 1\n", "laid out in another way"),
        (b"\xff", "can't decode"),
        (b"#" * (FILE_MAX + 1), "very long"),
        (None, "Is a directory"),
    ],
)
def test_a_file_that_can_not_be_added_to_stays_and_the_rule_is_told(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=why) as told:
        keep(file, RULE)
    assert f"{RULE} could not be added to [policy] allow" in str(told.value)
    assert content is None or file.read_bytes() == content


def test_a_file_that_can_not_be_replaced_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        keep(tmp_path / "config.toml", RULE)
    assert os.listdir(tmp_path) == []


def test_rules_kept_at_the_same_time_all_stay(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    rules = [f"Shell(make t{number})" for number in range(12)]
    threads = [threading.Thread(target=keep, args=(file, rule)) for rule in rules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(tomllib.loads(file.read_text())["policy"]["allow"]) == sorted(rules)
