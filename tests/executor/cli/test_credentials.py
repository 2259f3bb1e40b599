"""The file of kept secrets, as it is read back, and as somebody may have left it."""

import json
from pathlib import Path

import pytest

from executor.cli.credentials import Credentials
from executor.errors import UsageError


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "[1]",
        "null",
        '{"OPENAI_API_KEY": "sk-test-0000"}',
        '{"A": {"kept": "drawer"}}',
        "\udcff",
    ],
)
def test_a_file_that_is_none_of_ours_is_named_and_its_content_is_not(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "credentials.json").write_bytes(content.encode(errors="surrogateescape"))

    with pytest.raises(UsageError, match=r"credentials\.json: can't be read .*remove it") as caught:
        Credentials(tmp_path).provider_keys()

    assert "sk-test" not in str(caught.value)


def test_keys_and_tokens_that_the_file_keeps_are_told_apart(tmp_path: Path) -> None:
    kept = {"kept": "file", "secret": "sk-test-0000"}
    (tmp_path / "credentials.json").write_text(
        json.dumps({"OPENAI_API_KEY": kept, "server wss://m.example": kept})
    )
    credentials = Credentials(tmp_path)

    assert credentials.provider_keys() == {"OPENAI_API_KEY": "sk-test-0000"}
    assert credentials.get("server wss://m.example") == "sk-test-0000"
    assert credentials.forget("OPENAI_API_KEY")
    assert credentials.provider_keys() == {}
    assert credentials.get("server wss://m.example") == "sk-test-0000"
