"""Wheels of packages, from a pip of the test's own: what can't be had is skipped and named."""

import zipfile
from pathlib import Path

from tests.replay.history import FileChange, Step, releases
from tests.replay.packages import Missing, had, wheels

PIP = """#!/bin/sh
while [ "$1" != --dest ]; do shift; done
echo "$3" >> {folder}/asked
case "$3" in
*==1.1) echo 'ERROR: No matching distribution found for this==1.1' >&2; exit 1 ;;
*==1.2) exit 0 ;;
*==1.3) exit 3 ;;
esac
mkdir -p "$2" && cp {folder}/"$3".whl "$2"/
"""


def _pip(folder: Path, contents: dict[str, dict[str, str]]) -> str:
    for asked, sources in contents.items():
        with zipfile.ZipFile(folder / f"{asked}.whl", "w") as archive:
            for name, text in sources.items():
                archive.writestr(name, text)
    program = folder / "pip"
    program.write_text(PIP.format(folder=folder))
    program.chmod(0o755)
    return str(program)


def test_versions_that_can_not_be_had_are_skipped_and_the_others_replayed(tmp_path: Path) -> None:
    pip = _pip(
        tmp_path,
        {
            "some==1.0": {"some.py": "a = 1\n", "some-1.0.dist-info/METADATA.txt": "1.0\n"},
            "some==1.4": {"some.py": "a = 2\n", "new.py": "", "some.so": "x"},
        },
    )

    found, missing = had(wheels("some==1.0,1.1,1.2,1.3,1.4", tmp_path / "wheels", pip))

    assert [wheel.name for wheel in found] == ["some==1.0.whl", "some==1.4.whl"]
    assert missing == [
        Missing("some==1.1", "ERROR: No matching distribution found for this==1.1"),
        Missing("some==1.2", "pip downloaded no wheel"),
        Missing("some==1.3", "pip ended with 3"),
    ]
    assert list(releases(found)) == [
        Step(
            "some==1.4.whl",
            (FileChange("new.py", None, b""), FileChange("some.py", b"a = 1\n", b"a = 2\n")),
        )
    ]


def test_what_is_there_is_not_asked_for_again(tmp_path: Path) -> None:
    pip = _pip(tmp_path, {"some==1.0": {}})

    for _ in range(2):
        assert len(list(wheels("some==1.0", tmp_path / "wheels", pip))) == 1

    assert (tmp_path / "asked").read_text() == "some==1.0\n"
