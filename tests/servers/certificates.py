"""Certificates for servers of the tests, made by `openssl`."""

import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(name: str, folder: Path) -> Path:
    """`folder`, with the cert.pem and key.pem of a server of this name alone."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        ],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder
