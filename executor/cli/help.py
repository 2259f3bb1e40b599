"""`codegen --help`: made from the same table as the parser.

Text only; loads no library, so that it is there at once.
"""

from executor.cli.flags import COMMANDS, FLAGS, Flag

HEAD = """\
codegen: a coding agent that works in this directory, under your eyes

  codegen "add a --json flag to the report command"     one prompt
  git diff | codegen "review this"                      with text piped in
  codegen                                               a conversation
  codegen -c "and now the docs"                         go on with the last session

With nothing configured but a provider's key (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...) it starts a
private maestro on this machine. A team's maestro: --server wss://maestro.example.
"""
TAIL = """\
What may happen unasked (--mode):
  read-only   it only looks
  ask         looks, and asks before it changes or runs anything (the default)
  auto-edit   edits files too; asks before commands
  auto        everything, commands in the sandbox; without one only with --no-sandbox

Flags that are settings (codegen config show) can stand in ~/.config/codegen/config.toml
(model = "...") or be variables (CODEGEN_MODEL). Without a terminal nothing is asked: what would
ask is denied.

Exit codes: 0 completed, 1 failed, 2 bad usage, 3 completed but a call was denied for want of a
terminal, 4 a limit or a loop, 5 model error, 6 maestro unreachable or refused, 7 unverified,
130 interrupted.
"""


def help_text() -> str:
    flags = [(_spelt(flag), flag.help) for flag in FLAGS]
    flags += [("-h, --help", "this text"), ("-V, --version", "the version")]
    return "\n".join((HEAD, "Flags:", _table(flags), "", "Commands:", _commands(), "", TAIL))


def _commands() -> str:
    rows = [(f"codegen {name}", words) for name, words in COMMANDS.items()]
    return _table(rows)


def _spelt(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else ""
    return f"{short}--{flag.name}" + (f" {flag.metavar}" if flag.metavar else "")


def _table(rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)
