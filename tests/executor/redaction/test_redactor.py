"""What is taken for a secret, what is not, and that putting back undoes it exactly."""

import pytest
from hypothesis import given, settings

from executor.errors import ToolFailure
from executor.redaction import Known, Redactor, environment_secrets, file_secrets
from tests.examples import examples
from tests.executor.redaction.samples import HARMLESS, KEY_BLOCK, KEY_LINE, SECRETS
from tests.executor.redaction.texts import KNOWN, redactor, texts
from tests.requirements import covers


@covers("R-SECRET-1")
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_a_known_form_is_replaced_and_put_back(name: str) -> None:
    around, secret = SECRETS[name]
    text = f"before\n{around.format(secret)}\nafter"
    made = redactor()

    safe = made.redact(text)

    assert secret not in safe
    assert safe.startswith("before\n")
    assert safe.endswith("\nafter")
    assert made.put_back(safe) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redactor().redact(text) == text


def test_a_private_key_is_replaced_line_by_line_also_between_numbers_and_marks() -> None:
    numbered = "\n".join(f"{n:6}\t{line}" for n, line in enumerate(KEY_BLOCK.splitlines(), 1))
    unfinished = KEY_BLOCK.rpartition("q8Zt4w==")[0] + "the end of the file: nothing_secret_here"
    diff = "\n".join(f"+{line}" for line in KEY_BLOCK.splitlines())
    for text in (KEY_BLOCK, numbered, unfinished, diff, KEY_BLOCK.replace("\n", "\\n")):
        made = redactor()
        safe = made.redact(text)
        assert KEY_LINE not in safe
        assert KEY_LINE[::-1] not in safe
        assert made.put_back(safe) == text
    assert "nothing_secret_here" in redactor().redact(unfinished)


def test_a_key_block_without_an_end_stops_somewhere() -> None:
    begin = KEY_BLOCK.splitlines()[0]
    assert redactor().redact(begin) == begin
    safe = redactor().redact(f"{begin}\n" + f"{KEY_LINE}\n" * 400)
    assert safe.count("«secret:private_key:") == (16 * 1024 - 1) // (len(KEY_LINE) + 1)


def test_what_is_known_is_found_bare_and_anywhere() -> None:
    made = redactor()
    safe = made.redact("xquiet-river-stonex and multi word\nsecret.")
    assert safe.replace(safe.split("»")[0].split(":")[2], "TAG") == (
        f"x«secret:DEPLOY_TOKEN:TAG»x and {safe.split(' and ')[1]}"
    )
    assert "multi word" not in safe


def test_what_was_once_named_a_secret_is_found_bare_from_then_on() -> None:
    made = redactor()
    assert "tr0ub4dor-3" in made.redact("tr0ub4dor-3")
    made.redact("password: tr0ub4dor-3")
    assert "tr0ub4dor-3" not in made.redact("it says tr0ub4dor-3 here")


def test_placeholders_are_the_same_in_a_session_and_differ_between_two() -> None:
    first, again, other = redactor(), redactor(), Redactor(lambda: KNOWN, key=bytes(31) + b"1")
    text = "quiet-river-stone"
    assert first.redact(text) == first.redact(text) == again.redact(text) != other.redact(text)
    assert Redactor(lambda: KNOWN).redact(text) != Redactor(lambda: KNOWN).redact(text)


def test_secrets_that_overlap_are_one() -> None:
    made = Redactor(
        lambda: (Known("A", "abcdefgh1"), Known("B", "fgh1ijklmnop"), Known("C", "cdefgh1i"))
    )
    safe = made.redact("-abcdefgh1ijklmnop-")
    assert safe.startswith("-«secret:B:")
    assert safe.endswith("»-")
    assert made.put_back(safe) == "-abcdefgh1ijklmnop-"


def test_text_that_looks_like_a_placeholder_survives_and_can_be_echoed() -> None:
    made = redactor()
    text = "docs say «secret:NAME:0123456789ab» here"
    safe = made.redact(text)
    assert "«secret:literal:" in safe
    assert made.put_back(safe) == text
    assert made.redact(safe, echo=True) == safe


@covers("R-SECRET-2")
def test_only_what_writes_files_gets_secrets_back() -> None:
    made = redactor()
    safe = made.redact("quiet-river-stone")
    given = {"content": safe, "edits": [{"new_string": f"<{safe}>", "n": 1}], "x": None}

    assert made.parameters(given, writes=True) == {
        "content": "quiet-river-stone",
        "edits": [{"new_string": "<quiet-river-stone>", "n": 1}],
        "x": None,
    }
    with pytest.raises(ToolFailure, match="only where a file is written") as refused:
        made.parameters({"args": ["push", safe]}, writes=False)
    assert refused.value.code == "secret_placeholder"
    assert made.parameters({"command": "ls «x»"}, writes=False) == {"command": "ls «x»"}


@covers("R-SECRET-2")
def test_a_placeholder_that_was_never_given_out_writes_nothing() -> None:
    made = redactor()
    with pytest.raises(ToolFailure, match="stands for no secret that was shown") as refused:
        made.parameters({"content": "«secret:X:0123456789ab»"}, writes=True)
    assert refused.value.code == "unknown_placeholder"


def test_a_resumed_session_knows_the_placeholders_of_what_it_knows() -> None:
    assert redactor().put_back(redactor().redact("quiet-river-stone")) == "quiet-river-stone"


def test_what_is_kept_is_bounded() -> None:
    made = Redactor(lambda: [Known(f"N{n}", f"value-number-{n:08}") for n in range(300)])
    assert "value-number-00000299" in made.redact("value-number-00000299")
    assert "value-number-00000000" not in made.redact("value-number-00000000")
    first = made.redact("token=first-1-of-all")
    for n in range(8200):
        made.redact(f"token=zq{n:05}-XkWvHu")
    with pytest.raises(ToolFailure):
        made.put_back(first)


@covers("R-SECRET-1")
@settings(max_examples=examples(300))
@given(texts)
def test_putting_back_undoes_replacing(text: str) -> None:
    made = redactor()
    assert made.put_back(made.redact(text)) == text


def test_variables_are_secret_by_their_names_or_by_what_they_hold() -> None:
    environment = {
        "OPENAI_API_KEY": "sk-test-0000",
        "DB_PASS": "hunter22",
        "DATABASE_URL": "postgres://ada:pencil-7@db/x",
        "SSH_AUTH_SOCK": "/tmp/ssh-1/agent",
        "XAUTHORITY": "/home/ada/.Xauthority",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "TOKEN_FILE": "somewhere/secret",
        "EDITOR": "vim",
        "PWD": "/home/ada",
    }
    assert list(environment_secrets(environment)) == [
        Known("OPENAI_API_KEY", "sk-test-0000"),
        Known("DB_PASS", "hunter22"),
        Known("DATABASE_URL", "pencil-7"),
    ]


def test_a_file_of_secrets_is_read_as_names_and_values() -> None:
    text = (
        "# comment\nexport API_KEY='plain words here' # note\nDEBUG=true\nPASSPHRASE=correct horse"
        " # why\nURL=redis://:pencil-7@h\n"
    )
    found = {(one.name, one.value) for one in file_secrets(text, pairs=True)}
    assert found == {
        ("API_KEY", "plain words here"),
        ("api_key", "plain words here"),
        ("PASSPHRASE", "correct horse"),
        ("URL", "pencil-7"),
        ("url_password", "pencil-7"),
    }
    assert list(file_secrets(f"password: tr0ub4dor-3\n{KEY_BLOCK}", pairs=False)) == [
        Known("password", "tr0ub4dor-3"),
        Known("private_key", KEY_LINE, is_part=True),
        Known("private_key", KEY_LINE[::-1], is_part=True),
    ]


def test_a_secret_inside_what_is_none_is_found() -> None:
    secret = "Zx81-Qp72-Lm93"
    text = f"token: https://x.test/?token={secret}"
    assert secret not in redactor().redact(text)
    many = "token=/usr/share/x " * 1100
    assert secret in redactor().redact(f"{many}token=/a?token={secret}")
    assert secret not in redactor().redact(f"{many}token={secret}")
