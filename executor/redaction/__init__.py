"""Secrets in text that leaves this machine: found, replaced by placeholders, put back.

Knows text and values; reads no file and no environment.
"""

from executor.redaction.known import Known, environment_secrets, file_secrets
from executor.redaction.redactor import Redactor
from executor.redaction.stream import RedactedStream

__all__ = ["Known", "RedactedStream", "Redactor", "environment_secrets", "file_secrets"]
