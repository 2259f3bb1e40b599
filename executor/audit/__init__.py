"""What a maestro ordered and what became of it: a chain of lines on this machine.

Writes and checks; decides nothing, and sends nothing.
"""

from executor.audit.checking import Checked, audit_files, checked
from executor.audit.log import KEPT, AuditLog

__all__ = ["KEPT", "AuditLog", "Checked", "audit_files", "checked"]
