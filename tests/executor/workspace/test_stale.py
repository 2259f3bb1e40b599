"""What a model is told whose idea of a file is out of date."""

import pytest

from executor.errors import ToolFailure
from executor.workspace import Workspace
from executor.workspace.files import digest_of
from executor.workspace.staging import Change
from executor.workspace.stale import require_seen


def _refusal(workspace: Workspace, name: str, before: bytes, after: bytes) -> str:
    """What is said about a change of `before`, seen, to `after`, not seen."""
    path = workspace.root / name
    path.write_bytes(before)
    seen = workspace.read(name)
    require_seen(workspace, seen, seen.digest)
    path.write_bytes(after)
    with pytest.raises(ToolFailure) as refused:
        require_seen(workspace, workspace.read(name), seen.digest)
    assert refused.value.code == "stale"
    return refused.value.message


def test_what_changed_is_shown_as_far_as_it_may_be(workspace: Workspace) -> None:
    assert "-old\n+new" in _refusal(workspace, "f", b"old\n", b"new\n")
    assert _refusal(workspace, "long", b"", b"x\n" * 5000).endswith("\n[...]")
    told = _refusal(workspace, "g", b"same", b"\xef\xbb\xbfsame")
    assert told.endswith(" Its encoding or byte order mark is another one.")
    assert "What changed" not in _refusal(workspace, "h", b"old\n", b"\0\1\2")


def test_what_became_of_a_secret_file_is_not_shown(workspace: Workspace) -> None:
    told = _refusal(workspace, ".env", b"TOKEN=old\n", b"TOKEN=very-secret\n")

    assert told.endswith("read it again before you change it.")


def test_a_file_that_was_never_read_is_to_be_read_first(workspace: Workspace) -> None:
    (workspace.root / "f").write_text("x")
    with pytest.raises(ToolFailure) as refused:
        require_seen(workspace, workspace.read("f"), None)

    assert refused.value.code == "not_read"


def test_what_became_of_a_file_that_the_agent_itself_wrote_is_shown(
    workspace: Workspace,
) -> None:
    """What it wrote is what it knows: nobody reads a file again after changing it."""
    path = workspace.root / "f"
    path.write_bytes(b"old\n")
    there = workspace.read("f")
    workspace.commit((Change("f", b"mine\n", there.stamp, there.content),))
    path.write_bytes(b"theirs\n")

    with pytest.raises(ToolFailure) as refused:
        require_seen(workspace, workspace.read("f"), digest_of(b"mine\n"))

    assert "-mine\n+theirs" in refused.value.message
