"""A table of what commands do to projects in real life: undo gives the project back, byte by byte.

Each case is run by a real shell; what stands before it is the same for all.
"""

import os
import subprocess
from pathlib import Path

import pytest

from executor.snapshots.undoing import Restored, redo
from tests.executor.snapshots.world import World, tree_of, world_in
from tests.requirements import covers

BEFORE = r"""
git init -q . && git config user.email a@b && git config user.name n
printf 'a\nb\nc\n' > notes.txt; printf '#!/bin/sh\necho hi\n' > run.sh; chmod 755 run.sh
mkdir -p src/deep/er empty/inner docs && printf 'print(1)\r\n' > src/app.py
printf '\377\376b\000i\000n' > src/data.bin; printf x > src/deep/er/leaf
printf 'no newline' > docs/end; printf secret > docs/private; chmod 600 docs/private
printf ro > docs/read-only; chmod 444 docs/read-only
ln -s notes.txt link; ln -s /nonexistent/place dangling; ln -s src folder-link
printf '*.txt text eol=crlf ident filter=evil\n' > .gitattributes
printf 'build/\n*.log\n!keep.log\n' > .gitignore; printf '$Id$\n' > ident.txt
printf kept > keep.log
printf 'odd' > "$(printf 'n\303\266n \351\nline')"; printf tab > 'a	b'; printf dash > -f
git add -A 2>/dev/null && git commit -qm first && printf 'unsaved work\n' >> notes.txt
mkdir nested && (cd nested && git init -q . && printf inner > file)
"""
CASES = {
    "edit": "printf 'z\n' >> notes.txt",
    "truncate": ": > notes.txt",
    "redirect over a tracked file": "echo gone > src/app.py",
    "remove a file": "rm notes.txt",
    "remove a tree": "rm -rf src",
    "remove everything but git": "find . -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +",
    "git reset --hard": "git reset -q --hard",
    "git clean": "git clean -qfdx",
    "git clean with nested repositories": "git clean -qffd",
    "git checkout -- .": "git checkout -q -- .",
    "git stash with untracked": "git stash -q -u",
    "git rm": "git rm -qrf src",
    "git mv": "git mv src lib",
    "git switch to an orphan": "git checkout -q --orphan o && git rm -qrf .",
    "move a file": "mv notes.txt other.txt",
    "move a folder": "mv src lib",
    "move over another": "mv docs/end notes.txt",
    "swap two files": "mv notes.txt t && mv docs/end notes.txt && mv t docs/end",
    "rename by case": "mv notes.txt Notes.txt",
    "create in a new folder": "mkdir -p new/x/y && echo 1 > new/x/y/z",
    "create an empty file": "touch made",
    "create an empty folder": "mkdir -p void/within",
    "remove an empty folder": "rmdir empty/inner empty",
    "make executable": "chmod +x notes.txt",
    "make not executable": "chmod 644 run.sh",
    "make private": "chmod 600 notes.txt",
    "set-id": "chmod 4711 run.sh",
    "mode of a folder": "chmod 700 src",
    "read-only folder": "chmod 555 src/deep",
    "replace read-only": "rm -f docs/read-only && echo x > docs/read-only",
    "change a link": "ln -sfn src/app.py link",
    "remove a link": "rm link",
    "link becomes a file": "rm link && cp notes.txt link",
    "file becomes a link": "ln -sf run.sh notes.txt",
    "file becomes a folder": "rm notes.txt && mkdir notes.txt && echo x > notes.txt/in",
    "folder becomes a file": "rm -r docs && echo flat > docs",
    "folder becomes a link": "rm -rf docs && ln -s src docs",
    "link to a folder becomes a folder": "rm folder-link && mkdir folder-link && : > folder-link/x",
    "write through a link": "echo through >> link",
    "write through a folder link": "echo through > folder-link/app.py",
    "line endings": "sed -i 's/\\r$//' src/app.py",
    "in-place sed everywhere": "sed -i 's/i/j/' notes.txt src/app.py run.sh",
    "binary": "printf '\\000\\001' >> src/data.bin",
    "odd names": "rm ./-f 'a	b' no* && echo x > \"$(printf 'z\\377')\"",
    "attributes": "rm .gitattributes",
    "ignore rules": "echo '*' > .gitignore && rm notes.txt",
    "forced un-ignore": "rm .gitignore && echo x > build.log",
    "nested repository": "rm -rf nested",
    "inside a nested repository": "echo changed > nested/file",
    "hard link": "ln notes.txt twin && echo both >> twin",
    "same size, same time": "touch -r src/app.py t && printf 'print(2)\\r\\n' > src/app.py && "
    "touch -r t src/app.py && rm t",
    "script of many steps": "for i in 1 2 3 4 5 6 7 8 9; do mkdir -p g/$i; echo $i > g/$i/f; done; "
    "rm g/3/f; mv g/4 g/3/; rm -r docs",
    "nothing": "true",
    "there and back": "echo x >> notes.txt && sed -i '$d' notes.txt",
}


def _shell(script: str, folder: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"}
    subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=True)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    _shell(BEFORE, folder)
    return folder


@pytest.fixture
def world(before: Path, tmp_path: Path) -> World:
    made = world_in(tmp_path)
    _shell(f"cp -a '{before}/.' .", made.root)
    return made


def _without_git(world: World) -> dict[bytes, tuple[int, bytes]]:
    """What undo answers for: `.git` holds what was committed, and stays the user's own."""
    return {path: at for path, at in tree_of(world.root).items() if b".git" not in path.split(b"/")}


@covers("R-UNDO-1")
@pytest.mark.parametrize("script", CASES.values(), ids=CASES.keys())
def test_undo_gives_the_project_back_and_redo_the_change(world: World, script: str) -> None:
    was = _without_git(world)
    changes = world.command(lambda: _shell(script, world.root))
    became = _without_git(world)
    assert bool(changes) == (became != was)
    if not changes:
        return

    assert isinstance(world.undo(), Restored)
    assert _without_git(world) == was

    with world.snapshots() as snapshots:
        assert isinstance(redo(snapshots), Restored)
    assert _without_git(world) == became


@covers("R-UNDO-4")
def test_keeping_snapshots_changes_nothing_in_the_project_and_runs_nothing_of_it(
    world: World,
) -> None:
    _shell(
        "git config filter.evil.clean 'touch ran; cat' && git config core.fsmonitor 'touch ran' && "
        "printf '#!/bin/sh\ntouch ran\n' > .git/hooks/post-index-change && "
        "chmod +x .git/hooks/post-index-change",
        world.root,
    )
    was = {path: os.lstat(world.root / os.fsdecode(path)) for path in tree_of(world.root)}

    world.command(lambda: None)

    now = {path: os.lstat(world.root / os.fsdecode(path)) for path in tree_of(world.root)}
    assert {path: (at.st_mtime_ns, at.st_ctime_ns, at.st_ino) for path, at in now.items()} == {
        path: (at.st_mtime_ns, at.st_ctime_ns, at.st_ino) for path, at in was.items()
    }
