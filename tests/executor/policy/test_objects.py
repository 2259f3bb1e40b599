"""What a hash in a git command stands for: content of a file that no word names asks.

Real repositories, with loose and packed objects; what git says of each object is the yardstick.
"""

import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.policy import objects
from executor.policy.objects import kinds_of, may_hold_file
from executor.policy.verdict import Allow, Ask
from tests.executor.policy.ground import PATH, built_in, make_repository, policy
from tests.requirements import covers

CANARY = "canary-0b1ec7"
LONG = "".join(
    f"line {number} of a text that is packed by its differences\n" for number in range(400)
)


def _git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.test")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=root,
        env={"PATH": PATH},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that once knew a secret file, and does no more."""
    root = tmp_path_factory.mktemp("outer") / "project"
    (root / "src").mkdir(parents=True)
    (root / "README.md").write_text(LONG)
    (root / ".env").write_text(f"SECRET={CANARY}\n")
    make_repository(root, "README.md", ".env")
    _git(root, "rm", "-q", "--cached", ".env")
    (root / "README.md").write_text(LONG + "more\n")
    _git(root, "commit", "-qam", "y")
    _git(root, "tag", "-am", "a tag", "v1")
    return root


@pytest.fixture(scope="module")
def packed(loose: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outer") / "project"
    _git(loose, "clone", "-q", "--no-local", ".", str(root))
    assert list((root / ".git" / "objects" / "pack").glob("*.idx"))
    return root


def _objects(root: Path) -> dict[str, str]:
    told = _git(
        root, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"
    )
    return dict(line.split() for line in told.splitlines())


@pytest.mark.parametrize("kept", ["loose", "packed"])
def test_each_object_is_of_the_kind_that_git_says(
    kept: str, request: pytest.FixtureRequest
) -> None:
    root: Path = request.getfixturevalue(kept)
    told = _objects(root)
    assert set(told.values()) == {"commit", "tree", "blob", "tag"}
    for name, kind in told.items():
        assert kinds_of(root, name) == {kind}
        assert kinds_of(root, name[:12].upper()) == {kind}
        assert may_hold_file(root, name) == (kind in ("blob", "tag"))


def test_an_object_that_is_told_by_the_hash_of_another_is_found(
    packed: Path, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    _git(packed, "clone", "-q", "--no-local", ".", str(root))
    _git(root, "-c", "repack.useDeltaBaseOffset=false", "repack", "-qadf", "--depth=50")
    for name, kind in _objects(root).items():
        assert kinds_of(root, name) == {kind}


def test_a_working_tree_elsewhere_has_the_same_objects(loose: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    _git(loose, "worktree", "add", "-q", "--detach", str(other))
    name = _git(loose, "rev-parse", "HEAD")
    assert kinds_of(other, name) == {"commit"}


def test_a_hash_that_means_nothing_holds_nothing(loose: Path, packed: Path) -> None:
    for root in (loose, packed):
        for name in ("00000000", "ffffffff", "dead" * 10):
            assert kinds_of(root, name) == frozenset()
            assert not may_hold_file(root, name)


def test_one_of_many_objects_is_found_and_its_neighbours_are_not(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    blobs = "".join(f"blob\ndata 5\n{number:05}\n" for number in range(400))
    subprocess.run(
        ["git", "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"],
        cwd=tmp_path,
        env={"PATH": PATH},
        input=blobs.encode(),
        check=True,
    )
    names = set(_objects(tmp_path))
    assert len(names) == 400
    for name in names:
        assert kinds_of(tmp_path, name) == {"blob"}
        assert kinds_of(tmp_path, name[:-1] + ("0" if name[-1] != "0" else "1")) == frozenset()


def _hash_of_the_secret(root: Path) -> str:
    return _git(root, "rev-parse", "HEAD~1:.env")


SHOWING = [
    "git show {full}", "git show {short}", "git show {upper}", "git show '{short}^{{}}'",
    "git show '{short}^{{blob}}'", "git show x-g{short}", "git show v9-14-g{full}",
    "git cat-file -p {short}", "git cat-file blob {full}", "git cat-file -p x-g{short}",
    "git cat-file -p '{short}^{{}}'", "git show --stat {short}", "git show --oneline {short} --",
    "git show {short} -- README.md", "git show HEAD {short}", "git show --name-only {short}",
    "git show {short} | head -1", "bash -c 'git show {short}'", "cd src && git show {short}",
]  # fmt: skip
COMPARING = [
    "git diff {short} {readme}", "git diff {short}..{readme}", "git diff --stat {short} {readme}",
    "git diff {readme} x-g{short}", "git diff {short} README.md",
]  # fmt: skip


def _line(template: str, root: Path) -> str:
    full = _hash_of_the_secret(root)
    readme = _git(root, "rev-parse", "HEAD:README.md")
    return template.format(full=full, short=full[:9], upper=full.upper(), readme=readme)


@covers("R-POLICY-8")
@pytest.mark.parametrize("template", [*SHOWING, *COMPARING])
@pytest.mark.parametrize("kept", ["loose", "packed"])
def test_what_a_file_held_is_not_shown_by_its_hash_unasked(
    template: str, kept: str, request: pytest.FixtureRequest
) -> None:
    root: Path = request.getfixturevalue(kept)
    (root / "src").mkdir(exist_ok=True)
    line = _line(template, root)
    if template in SHOWING:
        done = subprocess.run(
            ["bash", "-c", line], cwd=root, env={"PATH": PATH}, capture_output=True, check=True
        )
        assert CANARY in done.stdout.decode()
    with policy(root) as made:
        verdict = made.decide(built_in("Shell", command=line))
        assert isinstance(verdict, Ask)
        assert "by its hash" in verdict.why
        if line.startswith("git ") and "|" not in line:
            arguments = tuple(line.replace("'", "").split()[1:])
            assert isinstance(made.decide(built_in("Git", args=arguments)), Ask)


PLAIN = [
    "git show {head}", "git show {head} --stat", "git show {short}", "git diff {head} {short}",
    "git diff {short}..{head}", "git log -p {short}", "git cat-file -p {short}",
    "git cat-file -p {tree}", "git cat-file -t {blob}", "git cat-file -s {blob}", "git show {tree}",
    "git show x-g{short}", "git show {short}:README.md", "git show {short}^", "git show deadbeef",
    "git show -- abcdef", "git diff -- deadbeef", "git log --oneline {short}..",
]  # fmt: skip


@pytest.mark.parametrize("template", PLAIN)
@pytest.mark.parametrize("kept", ["loose", "packed"])
def test_commits_and_trees_are_shown_by_their_hashes_unasked(
    template: str, kept: str, request: pytest.FixtureRequest
) -> None:
    root: Path = request.getfixturevalue(kept)
    head = _git(root, "rev-parse", "HEAD")
    tree = _git(root, "rev-parse", "HEAD^{tree}")
    line = template.format(head=head, short=head[:9], tree=tree, blob=_hash_of_the_secret(root))
    with policy(root) as made:
        assert made.decide(built_in("Shell", command=line)) == Allow("it only looks")


def _unreadable_index(root: Path, content: bytes) -> None:
    (index,) = (root / ".git" / "objects" / "pack").glob("*.idx")
    os.chmod(index, 0o600)
    index.write_bytes(content)


def _many_packs(root: Path) -> None:
    for number in range(objects.MAX_PACKS + 1):
        (root / ".git" / "objects" / "pack" / f"pack-{number}.pack").touch()


def _alternates(root: Path) -> None:
    (root / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (root / ".git" / "objects" / "info" / "alternates").touch()


def _odd_kind(root: Path) -> None:
    """An object of a kind that there is none of."""
    (pack,) = (root / ".git" / "objects" / "pack").glob("*.pack")
    os.chmod(pack, 0o600)
    content = pack.read_bytes()
    pack.write_bytes(content[:12] + b"\x50" * (len(content) - 12))


def _endless(root: Path, shift: int) -> None:
    """Objects that are each told by themselves; by how much depends on where they begin."""
    (pack,) = (root / ".git" / "objects" / "pack").glob("*.pack")
    os.chmod(pack, 0o600)
    content = pack.read_bytes()
    pack.write_bytes(content[:12] + b"\0" * shift + b"\x60\0" * (len(content) // 2))


def _of_the_secret(root: Path, content: bytes) -> None:
    """Put `content` where a pack has what the secret file held."""
    (pack,) = (root / ".git" / "objects" / "pack").glob("*.pack")
    told = subprocess.run(
        ["git", "show-index"],
        input=pack.with_suffix(".idx").read_bytes(),
        capture_output=True,
        check=True,
    )
    name = _hash_of_the_secret(root)
    (offset,) = (int(line.split()[0]) for line in told.stdout.decode().splitlines() if name in line)
    os.chmod(pack, 0o600)
    before = pack.read_bytes()
    pack.write_bytes(before[:offset] + content + before[offset + len(content) :])


def _told_by_itself(root: Path) -> None:
    _of_the_secret(root, b"\x70" + bytes.fromhex(_hash_of_the_secret(root)))


def _pipe(root: Path, suffix: str) -> None:
    """Whoever opened it would wait for a writer, for ever."""
    (file,) = (root / ".git" / "objects" / "pack").glob(f"*.{suffix}")
    file.unlink()
    os.mkfifo(file)


BROKEN: list[Callable[[Path], None]] = [
    _told_by_itself, lambda root: _of_the_secret(root, b"\x70" + b"\xab" * 20),
    lambda root: _of_the_secret(root, b"\xff" * 64), lambda root: _pipe(root, "pack"),
    lambda root: _pipe(root, "idx"),
    lambda root: _unreadable_index(root, b""),
    lambda root: _unreadable_index(root, b"\xfftOc\0\0\0\2" + b"\0" * 1024),
    lambda root: _unreadable_index(root, b"\xfftOc\0\0\0\2" + b"\0\0\0\1" * 256 + b"\0" * 70),
    _many_packs, _alternates, _odd_kind, lambda root: _endless(root, 0),
    lambda root: _endless(root, 1),
]  # fmt: skip


@pytest.mark.parametrize("spoil", BROKEN)
def test_of_objects_that_are_kept_in_another_way_nothing_is_known(
    spoil: Callable[[Path], None], packed: Path, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    _git(packed, "clone", "-q", "--no-local", ".", str(root))
    name = _hash_of_the_secret(root)
    spoil(root)
    assert kinds_of(root, name) is None
    assert may_hold_file(root, name)


def test_an_object_that_git_would_fetch_is_not_known(packed: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    _git(packed, "clone", "-q", "--no-local", ".", str(root))
    (root / ".git" / "objects" / "pack" / "pack-x.promisor").touch()
    assert kinds_of(root, "dead" * 10) is None
    assert kinds_of(root, _git(root, "rev-parse", "HEAD")) == {"commit"}


def test_a_loose_object_that_is_none_is_not_known(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    folder = tmp_path / ".git" / "objects" / "ab"
    folder.mkdir()
    (folder / ("c" * 38)).write_bytes(b"no object")
    assert kinds_of(tmp_path, "abcc") is None
    (folder / ("c" * 38)).write_bytes(zlib.compress(b"something 5\0abcde"))
    assert kinds_of(tmp_path, "abcc") is None


def test_a_loose_object_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    folder = tmp_path / ".git" / "objects" / "ab"
    folder.mkdir()
    os.mkfifo(folder / ("c" * 38))
    assert kinds_of(tmp_path, "abcc") is None


def test_objects_that_are_nowhere_are_not_known(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / ".git" / "commondir").write_bytes(b"no\0where")
    assert kinds_of(tmp_path, "abcd") is None


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert kinds_of(tmp_path, "abcd") is None


def test_an_offset_beyond_two_gigabytes_is_followed(packed: Path, tmp_path: Path) -> None:
    """Of an index whose offsets were all moved to its table of long ones."""
    root = tmp_path / "project"
    _git(packed, "clone", "-q", "--no-local", ".", str(root))
    (index,) = (root / ".git" / "objects" / "pack").glob("*.idx")
    content = index.read_bytes()
    count = int.from_bytes(content[1028:1032], "big")
    offsets = 1032 + 24 * count
    short = content[offsets : offsets + 4 * count]
    long = b"".join(b"\0" * 4 + short[4 * at :][:4] for at in range(count))
    moved = b"".join((1 << 31 | at).to_bytes(4, "big") for at in range(count))
    told = _objects(root)
    _unreadable_index(root, content[:offsets] + moved + long + content[-40:])
    for name, kind in told.items():
        assert kinds_of(root, name) == {kind}


@pytest.mark.parametrize("name", [".git", "HEAD"])
def test_git_asks_in_a_folder_that_may_be_a_repository_of_its_own(name: str, loose: Path) -> None:
    inner = loose / f"inner-{name}"
    (inner / "deep").mkdir(parents=True)
    (inner / name).touch()
    with policy(loose) as made:
        for line in (f"cd {inner.name} && git status", f"cd {inner.name}/deep && git log"):
            assert isinstance(made.decide(built_in("Shell", command=line)), Ask)
        call = built_in("Shell", command="git status", workdir=f"{inner.name}/deep")
        assert isinstance(made.decide(call), Ask)
        assert made.decide(built_in("Shell", command="git status")) == Allow("it only looks")
        assert made.decide(built_in("Shell", command="cd src && git status")) == Allow(
            "it only looks"
        )
