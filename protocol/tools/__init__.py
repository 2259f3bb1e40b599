"""The built-in tools: one contract a file, one tuple that lists them.

Adding a tool is a file here, its line below, and its implementation in an executor.
"""

from protocol.tools import (
    apply_patch,
    clipboard,
    edit,
    get_working_directory,
    git,
    glob,
    grep,
    read_file,
    read_folder,
    shell,
    shell_kill,
    shell_output,
    update_plan,
    web_fetch,
    write_file,
)
from protocol.tools.contract import ToolContract

CONTRACTS: tuple[ToolContract, ...] = (
    get_working_directory.CONTRACT,
    read_file.CONTRACT,
    read_folder.CONTRACT,
    write_file.CONTRACT,
    edit.CONTRACT,
    apply_patch.CONTRACT,
    glob.CONTRACT,
    grep.CONTRACT,
    shell.CONTRACT,
    shell_output.CONTRACT,
    shell_kill.CONTRACT,
    git.CONTRACT,
    web_fetch.CONTRACT,
    clipboard.CONTRACT,
    update_plan.CONTRACT,
)

BY_NAME: dict[str, ToolContract] = {contract.name: contract for contract in CONTRACTS}

CARRIED_OUT_BY_MAESTRO: frozenset[str] = frozenset({update_plan.CONTRACT.name})
"""Offered to the model by the maestro itself, never sent as `run_tool`."""
