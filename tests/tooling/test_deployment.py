"""The files of a team's deployment and its guide name only what there is, and all of it.

Read as text; nginx and docker-compose judge their own files where they are installed.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from maestro.__main__ import main
from maestro.bootstrap.http import GRACEFUL_SECONDS
from maestro.bootstrap.serving import DRAIN_SECONDS
from maestro.edge import peers
from maestro.edge.auth import OPEN_PATHS
from maestro.llm.providers import providers
from maestro.settings import DEFAULT_PORT, resolve
from protocol.version import SILENT_SECONDS
from tests.architecture.sources import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DOCKERIGNORE = (ROOT / ".dockerignore").read_text()
NGINX = (ROOT / "deploy/nginx.conf").read_text()
GUIDE = (ROOT / "docs/server.md").read_text()

NOWHERE = ("--database-url", "nowhere://")
"""Refused once the words before it were understood, and before anything is opened."""


class Asked(Mapping[str, str]):
    """An environment without a variable, which notes what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def settings() -> set[str]:
    asked = Asked()
    resolve({}, asked)
    return {name for name in asked.names if name.startswith("MAESTRO_")}


def provider_variables() -> set[str]:
    rows = providers().values()
    return {name for row in rows for name in (*row.keys, *row.address_variables)}


def variables(text: str) -> set[str]:
    return set(re.findall(r"\bMAESTRO_[A-Z_]*[A-Z]\b", text))


def copied() -> list[str]:
    """What the image is built from: the sources of every COPY out of the tree."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()]


def written_commands() -> list[list[str]]:
    """The words after `maestro` of every command in the files and in the guide's shell lines."""
    files = DOCKERFILE + COMPOSE
    listed = re.findall(r'^ *(?:CMD|command:) (\["maestro".+\])$', files, re.MULTILINE)
    shell = "\n".join(re.findall(r"```sh\n(.+?)```", GUIDE, re.DOTALL))
    typed = re.findall(r"(?:^|maestro-1 )maestro ([^#\n]+)", shell + COMPOSE, re.MULTILINE)
    return [json.loads(line)[1:] for line in listed] + [line.split() for line in typed]


def test_every_variable_of_the_files_is_a_setting() -> None:
    named = variables(COMPOSE + DOCKERFILE + NGINX + GUIDE)

    assert named - settings() == set()


def test_what_compose_passes_on_is_a_setting_or_a_provider_s_and_no_provider_is_missing() -> None:
    passed = set(re.findall(r"^    ([A-Z_]+):$", COMPOSE, re.MULTILINE))
    keys = {row.keys[0] for row in providers().values() if not row.local}

    assert passed - settings() - provider_variables() == set()
    assert keys - passed == set()


@pytest.mark.parametrize("command", written_commands(), ids=" ".join)
def test_maestro_takes_every_command_that_is_written_down(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAESTRO_ALLOWED_HOSTS", "maestro.example")

    assert main([*command, *NOWHERE]) == 1
    assert capsys.readouterr().err.startswith("maestro: database_url: ")


def test_health_checks_ask_what_answers_everybody_at_the_port_that_is_served() -> None:
    by_url = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", COMPOSE)
    by_client = re.findall(r"HTTPConnection\('127\.0\.0\.1', (\d+).+?'GET', '(/\w+)'", DOCKERFILE)
    served = re.findall(r'(?:EXPOSE |"--port", "|listen |maestro-\d:)(\d+)', DOCKERFILE + NGINX)

    assert by_url
    assert by_client
    assert {path for _, path in by_url + by_client} <= OPEN_PATHS
    assert {*served, *(port for port, _ in by_url + by_client)} == {str(DEFAULT_PORT)}


def test_the_load_balancer_knows_every_maestro_that_compose_starts() -> None:
    started = re.findall(r"^  (maestro-\d+):", COMPOSE, re.MULTILINE)

    assert re.findall(r"server (maestro-\d+):", NGINX) == started


def test_the_load_balancer_outlasts_a_silent_peer_and_asks_twice_only_what_may_be() -> None:
    seconds = dict(re.findall(r"proxy_(read|send)_timeout (\d+)s;", NGINX))
    retried = re.findall(r"proxy_next_upstream (.+);", NGINX)

    assert {name for name, value in seconds.items() if int(value) > SILENT_SECONDS} == {
        "read",
        "send",
    }
    assert "proxy_buffering off;" in NGINX
    assert len(retried) == 1
    assert "non_idempotent" not in retried[0]


def test_a_maestro_is_given_the_time_that_it_drains_for() -> None:
    grace = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)

    assert len(grace) == 1
    assert int(grace[0]) > DRAIN_SECONDS + peers.DRAIN_SECONDS + GRACEFUL_SECONDS


def test_the_image_is_made_of_all_that_the_package_needs_and_of_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {
        "pyproject.toml",
        "requirements/team.txt",
        *project["project"]["license-files"],
        *([project["project"]["readme"]] if "readme" in project["project"] else []),
        *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    }

    assert set(copied()) == needed
    assert set(re.findall(r"^!(.+)$", DOCKERIGNORE, re.MULTILINE)) == needed
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_the_guide_has_every_flag_of_serve_with_its_variable_and_every_other_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    flags = set(re.findall(r"(--[a-z][a-z-]+)", capsys.readouterr().out)) - {"--help"}
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `(MAESTRO_[A-Z_]+)` \|", GUIDE, re.MULTILINE)

    assert {flag for flag, _ in rows} == flags
    assert {variable for _, variable in rows} <= settings()
    assert settings() - variables(GUIDE) == set()
    assert [
        row for row in rows if row[1] != f"MAESTRO_{row[0][2:].replace('-', '_').upper()}"
    ] == []


def test_the_guide_has_every_command_and_every_provider_s_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    ([a-z]+)  ", capsys.readouterr().out, re.MULTILINE)
    keys = set(re.findall(r"`([A-Z]+_API_KEY|HF_TOKEN)", GUIDE))

    assert commands
    assert [name for name in commands if f"`maestro {name}" not in GUIDE] == []
    assert [name for name in provider_variables() if f"`{name}`" not in GUIDE] == []
    assert keys - provider_variables() == set()


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    here = tmp_path / "nginx.conf"
    here.write_text(re.sub(r"server maestro-\d+:", "server 127.0.0.1:", NGINX))

    judged = subprocess.run(
        [nginx, "-t", "-e", "stderr", "-p", tmp_path, "-c", here, "-g", f"pid {tmp_path}/pid;"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert judged.returncode == 0, judged.stderr


def test_compose_takes_its_file_and_asks_for_a_password() -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("docker-compose is not installed")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}

    def judged(**more: str) -> tuple[int, str]:
        done = subprocess.run(
            [compose, "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stderr

    status, complaint = judged()

    assert status != 0
    assert "set POSTGRES_PASSWORD" in complaint
    assert judged(POSTGRES_PASSWORD="test0000") == (0, "")
