"""The only way to the project's files: beneath the root, by directory handles.

Knows facts about paths and bytes; what may be done with them is the policy's business.
"""

from executor.workspace.files import FileBytes
from executor.workspace.resolved import Kind, ResolvedPath
from executor.workspace.workspace import Workspace

__all__ = ["FileBytes", "Kind", "ResolvedPath", "Workspace"]
