"""How the maestro's flags and environment settle, and what bad values say."""

from pathlib import Path
from typing import Any

import pytest

from maestro.errors import SettingsError
from maestro.settings import NO_BOUNDS, Backends, ModelChoice, PersonBounds, Settings, resolve


def test_flags_outrank_the_environment() -> None:
    environment = {"MAESTRO_PORT": "9000", "MAESTRO_MODEL": "a/x", "XDG_STATE_HOME": "/state"}
    settings = resolve({"port": 9001}, environment)
    assert settings.listen.port == 9001
    assert settings.model.model == "a/x"
    assert settings.backends.database_path == Path("/state/maestro/maestro.sqlite3")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"auth": "none", "host": "192.0.2.1"}, "auth: 'none' is for this machine alone"),
        ({"host": "192.0.2.1"}, "say by which names: --allowed-hosts maestro.example (or '*')"),
        ({"role": "edge"}, "takes MAESTRO_DATABASE_URL and MAESTRO_REDIS_URL"),
        ({"role": "boss"}, "role: 'boss' is none of all, edge, worker"),
        ({"port": "http"}, "port: 'http' is not a whole number"),
        ({"port": 70000}, "port: 70000 is not between 0 and 65535"),
        ({"database_url": "mysql://u:pw@h/d"}, "got the scheme 'mysql'"),
        ({"redis_url": "http://h"}, "got the scheme 'http'"),
        ({"max_seconds": "soon"}, "max_seconds: 'soon' is not a number"),
        ({"max_seconds": -1}, "max_seconds: -1 is not above 0"),
    ],
)
def test_a_bad_setting_is_named(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(flags, {"HOME": "/home/ada"})
    assert words in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_no_auth_is_fine_on_loopback(host: str) -> None:
    assert resolve({"auth": "none", "host": host}, {"HOME": "/h"}).auth == "none"


def test_addresses_with_passwords_are_in_no_repr() -> None:
    settings = resolve({"database_url": "postgresql://u:synthetic@h/d"}, {"HOME": "/h"})
    assert "synthetic" not in repr(settings)


def test_a_variable_that_is_no_setting_is_doubted_and_the_nearest_named() -> None:
    environment = {"HOME": "/h", "MAESTRO_MODLE": "m", "MAESTRO_PORT": "9", "MAESTRO_XYZZY": "1"}

    assert resolve({}, environment).doubts == (
        "MAESTRO_MODLE is no setting; did you mean MAESTRO_MODEL?",
        "MAESTRO_XYZZY is no setting",
    )


def test_what_nobody_set_is_the_default() -> None:
    environment = {"HOME": "/h"}
    assert resolve({}, environment) == Settings(
        backends=Backends(state=Path("/h/.local/state/maestro")),
        model=ModelChoice(environment=environment),
    )


def test_each_bound_of_a_person_is_a_setting_and_0_takes_it_away() -> None:
    environment = {
        "HOME": "/h",
        "MAESTRO_USER_SOCKETS": "1",
        "MAESTRO_USER_SESSIONS_AN_HOUR": "2",
        "MAESTRO_USER_BYTES_A_MINUTE": "3",
        "MAESTRO_USER_GENERATIONS": "4",
        "MAESTRO_USER_TOKENS_A_DAY": "0",
        "MAESTRO_FAILED_HANDSHAKES_A_MINUTE": "6",
    }

    settings = resolve({}, environment)

    assert settings.bounds == PersonBounds(1, 2, 3, 4, None, 6)
    assert resolve({"auth": "none"}, environment).bounds == NO_BOUNDS
    assert settings.doubts == ()


def test_proxies_are_addresses_or_networks() -> None:
    given = {"trusted_proxies": "10.0.0.0/8, ::1"}

    assert [str(one) for one in resolve(given, {"HOME": "/h"}).trusted_proxies] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(SettingsError, match="trusted_proxies: 'nginx' is no address"):
        resolve({"trusted_proxies": "nginx"}, {"HOME": "/h"})
