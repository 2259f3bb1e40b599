"""Names of files that hold secrets: not read, not searched, unless the user's rules say so.

Looks at names only, never at content.
"""

import re
from collections.abc import Sequence
from fnmatch import translate

from executor.workspace.twins import folded

SECRET_NAMES = (
    ".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.keystore", "*.jks", "*.kdbx",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".npmrc", ".pypirc",
    ".pgpass", ".my.cnf", ".git-credentials", ".htpasswd", "credentials.json", "*.tfstate",
    "service-account*.json", ".vault-token", "secrets.yml", "secrets.yaml", "secrets.toml",
)  # fmt: skip
SECRET_FOLDERS = (".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", ".gcloud")
HARMLESS_NAMES = (".env.example", ".env.sample", ".env.template", ".env.dist", "id_rsa.pub",
                  "id_ed25519.pub", "id_ecdsa.pub")  # fmt: skip

# One expression: a search asks for each of 100,000 files.
_SECRET_NAME = re.compile("|".join(map(translate, SECRET_NAMES)))


_FRAGMENT = re.compile(
    "|".join(re.escape(max(name.split("*"), key=len)) for name in (*SECRET_NAMES, *SECRET_FOLDERS))
)


def may_name_secret(text: str) -> bool:
    """Whether a secret's name may stand anywhere in `text`; soon told, and false for most."""
    return not text.isascii() or _FRAGMENT.search(text.lower()) is not None


def is_secret(parts: Sequence[str]) -> bool:
    """Whether a path of these components names a secret; twins count as the same."""
    names = [folded(part) for part in parts]
    if not names or names[-1] in HARMLESS_NAMES:
        return False
    if any(part in SECRET_FOLDERS for part in names):
        return True
    return _SECRET_NAME.match(names[-1]) is not None
