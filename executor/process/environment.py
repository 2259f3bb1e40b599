"""The environment of a command: clean, listed, and marked with the call that it belongs to.

Pure; where the executor's own environment comes from is not its business.
"""

import re
from collections.abc import Mapping

from executor.sandbox.launch import MARK

KEPT = frozenset(
    {
        "ALL_PROXY",
        "CARGO_HOME",
        "CONDA_DEFAULT_ENV",
        "CONDA_PREFIX",
        "DOTNET_ROOT",
        "GEM_HOME",
        "GOBIN",
        "GOCACHE",
        "GOFLAGS",
        "GOMODCACHE",
        "GOPATH",
        "GOPROXY",
        "GOROOT",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "JAVA_HOME",
        "LANG",
        "LANGUAGE",
        "LOGNAME",
        "NODE_EXTRA_CA_CERTS",
        "NO_PROXY",
        "NVM_DIR",
        "PIP_CERT",
        "PNPM_HOME",
        "PYENV_ROOT",
        "REQUESTS_CA_BUNDLE",
        "RUSTUP_HOME",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TMPDIR",
        "TZ",
        "USER",
        "UV_CACHE_DIR",
        "VIRTUAL_ENV",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    }
)

SET = {
    "CI": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "GH_PAGER": "cat",
    "GIT_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "MANPAGER": "cat",
    "PAGER": "cat",
    "PYTHONUNBUFFERED": "1",
    "SYSTEMD_PAGER": "cat",
    "TERM": "dumb",
}
"""Nothing waits for a person, pages, or draws; a look at a repository writes nothing to it.

Python writes what it prints at once: into a pipe it would hold back 8 KiB, and with them the line
by which a server says that it listens.
"""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSW|CREDENTIAL|AUTH", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"://[^/\s]*@|-----BEGIN|\b(sk-|gh[opsu]_|github_pat_|glpat-|xox[abp]-|AKIA|eyJ)"
)


def clean_environment(own: Mapping[str, str], mark: str) -> dict[str, str]:
    """What a command marked `mark` gets of the executor's `own` environment, and what is set."""
    kept = {
        name: value
        for name, value in own.items()
        if (name.upper() in KEPT or name.startswith("LC_"))
        and not _SECRET_NAME.search(name)
        and not _SECRET_VALUE.search(value)
    }
    return kept | SET | {"PATH": absolute_entries(own.get("PATH", "")), MARK: mark}


def absolute_entries(path: str) -> str:
    """`path` without entries that depend on where the command happens to run."""
    return ":".join(entry for entry in path.split(":") if entry.startswith("/")) or DEFAULT_PATH
