"""The sub-commands of `codegen`, with their flags and help.

Parses with typer; each command's work is in its own file and loaded when it is called.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer._click.core import Context
from typer._coercion import TypeDescriptor
from typer._completion_classes import completion_init
from typer.core import TyperGroup, TyperOption
from typer.exceptions import Abort, TyperException

from executor.cli.flags import COMPLETE_VARIABLE, FLAGS, Flag
from executor.errors import UsageError
from executor.settings import OutputFormat

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its boxes show a flag as one that takes a value
)
sessions_app = typer.Typer(help="List, show and delete sessions.")
config_app = typer.Typer(help="The settings in force.")
maestro_app = typer.Typer(help="The private maestros that stay warm between runs.")
audit_app = typer.Typer(help="What maestros ordered here, and whether its record is whole.")
app.add_typer(audit_app, name="audit")
app.add_typer(sessions_app, name="sessions")
app.add_typer(config_app, name="config")
shells_app = typer.Typer()
app.add_typer(shells_app, name="shells")
policy_app = typer.Typer(help="What may happen on this machine, and why.")
app.add_typer(policy_app, name="policy")
app.add_typer(maestro_app, name="maestro")

Server = Annotated[str | None, typer.Option(help="A team's maestro instead of the private one.")]
Token = Annotated[str | None, typer.Option(help="The token for --server.")]
Session = Annotated[
    str | None,
    typer.Argument(help="Its id, the first characters of it, or `last`: the last of this folder."),
]
Mode = Annotated[str | None, typer.Option(help="As if codegen were started with this mode.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
WithFiles = Annotated[bool, typer.Option("--files", help="The files go back as well.")]
Log = Annotated[str | None, typer.Option("--session", help="The first characters of its name.")]
Format = Annotated[str, typer.Option("--output-format", help="text | json | stream-json")]

Force = Annotated[
    bool, typer.Option("--force", help="Overwrite your own later changes; redo brings them back.")
]
Cwd = Annotated[Path | None, typer.Option("--cwd", help="The project; without it, this directory.")]


def run_app(arguments: Sequence[str]) -> int:
    """Run one sub-command; its exit code. Bad usage is a UsageError, as everywhere."""
    completion_init()
    command = typer.main.get_command(app)
    if not arguments:  # a shell that wants completions: the flags of a prompt run belong to them
        command.params += [_option(flag) for flag in FLAGS]
    try:
        outcome = command.main(
            list(arguments),
            prog_name="codegen",
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
        )
    except Abort:
        return 130
    except TyperException as error:
        raise UsageError(_complaint(error, arguments[0])) from error
    return outcome if isinstance(outcome, int) else 0


def _complaint(error: TyperException, command: str) -> str:
    """What is wrong with the flags and words of a command, and where it says which there are."""
    words, path = error.format_message().rstrip("."), f"codegen {command}"
    context: object = getattr(error, "ctx", None)
    if isinstance(context, Context):
        path = context.command_path
        if isinstance(context.command, TyperGroup):
            words += f"; there are {', '.join(context.command.list_commands(context))}"
    return f"{words}: see {path} --help"


def _option(flag: Flag) -> TyperOption:
    described = TypeDescriptor(
        str if flag.metavar else bool, typer.models.OptionInfo(), file_annotation=None
    )
    names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else [])]
    return TyperOption(
        param_decls=names, type_descriptor=described, help=flag.help, is_flag=not flag.metavar
    )


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option(help="Unpack there and keep it.")] = None,
    output_format: Format = "text",
) -> int:
    """See it work: a real project with a failing test, only the model's words are recorded."""
    from executor.cli.demo import demo as run_demo

    return run_demo(folder, _format(output_format))


@app.command()
def undo(
    count: Annotated[
        int | None, typer.Argument(metavar="N", help="So many calls; without it, the last run.")
    ] = None,
    *,
    run: Annotated[bool, typer.Option("--run", help="The last run, as without N.")] = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="CALL", help="That call (see codegen checkpoints), and all later."),
    ] = None,
    force: Force = False,
    cwd: Cwd = None,
) -> int:
    """Take back what the agent changed. Your own later changes are never overwritten unasked."""
    from executor.cli.undo import undo_command

    return undo_command(count, run=run, to=to, force=force, cwd=cwd)


@app.command()
def redo(*, force: Force = False, cwd: Cwd = None) -> int:
    """Do again what the last undo took back."""
    from executor.cli.undo import redo_command

    return redo_command(force=force, cwd=cwd)


@app.command()
def diff(
    *,
    run: Annotated[bool, typer.Option("--run", help="Of the last run alone.")] = False,
    cwd: Cwd = None,
) -> int:
    """What the agent changed in its last session, as one patch: codegen diff | git apply -R"""
    from executor.cli.changes import diff_command

    return diff_command(run=run, cwd=cwd)


@app.command()
def checkpoints(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Not only the latest.")] = False,
    cwd: Cwd = None,
) -> int:
    """The calls that changed something: number, time, files, tool."""
    from executor.cli.changes import checkpoints_command

    return checkpoints_command(everything=everything, cwd=cwd)


@sessions_app.command("list")
def list_sessions(
    *,
    everywhere: Annotated[bool, typer.Option("--all", help="Of all directories.")] = False,
    server: Server = None,
    token: Token = None,
) -> int:
    """Sessions of this directory. With --server, what the maestro has of yours."""
    from executor.cli.sessions import list_local, list_remote

    return list_remote(server, token) if server else list_local(everywhere=everywhere)


@sessions_app.command()
def show(session: Session = None, server: Server = None, token: Token = None) -> int:
    """What was said and done, and the rows to go back to."""
    from executor.cli.sessions import show as show_session

    return show_session(session, server, token)


@sessions_app.command()
def delete(session: str, server: Server = None, token: Token = None) -> int:
    """Delete a session. From the maestro, and its journal from this machine."""
    from executor.cli.sessions import delete as delete_session

    return delete_session(session, server, token)


@app.command()
def rewind(
    session: Session = None,
    to: Annotated[int | None, typer.Option(help="Back to what stood at this row.")] = None,
    turns: Annotated[int | None, typer.Option(help="Take back the last N turns.")] = None,
    *,
    files: WithFiles = False,
    server: Server = None,
    token: Token = None,
) -> int:
    """Take a conversation back to an earlier turn: codegen rewind --turns 1"""
    from executor.cli.branching import Place
    from executor.cli.branching import rewind as take_back

    return take_back(session, Place(to, turns, "--to", files), server, token)


@app.command()
def fork(
    session: Session = None,
    at: Annotated[int | None, typer.Option(help="With what stood at this row.")] = None,
    turns: Annotated[int | None, typer.Option(help="Without the last N turns.")] = None,
    *,
    files: WithFiles = False,
    server: Server = None,
    token: Token = None,
) -> int:
    """Branch a conversation: a new session that begins with this one's turns."""
    from executor.cli.branching import Place
    from executor.cli.branching import fork as branch_off

    return branch_off(session, Place(at, turns, "--at", files), server, token)


@config_app.command("show")
def show_config() -> int:
    """Every setting, its value, and where that came from."""
    from executor.cli.config import show as show_settings

    return show_settings()


@policy_app.command("check")
def check_policy(
    call: Annotated[list[str], typer.Argument(help="'Shell git push', 'Read(.env)'")],
    mode: Mode = None,
    *,
    as_json: AsJson = False,
) -> int:
    """What would happen to a call here, and why. Exit code: 0 allowed, 10 asks, 11 denied."""
    from executor.cli.policy import check, mode_of

    return check(" ".join(call), mode_of(mode), as_json=as_json)


@policy_app.command("show")
def show_policy(mode: Mode = None, *, as_json: AsJson = False) -> int:
    """What is in force here, and where each of it comes from."""
    from executor.cli.policy import mode_of
    from executor.cli.policy import show as show_in_force

    return show_in_force(mode_of(mode), as_json=as_json)


@maestro_app.command("status")
def maestro_status() -> int:
    """Each one that runs. Configuration, version, pid, idle time, memory, socket."""
    from executor.cli.private_maestro import status

    return status()


@maestro_app.command("stop")
def maestro_stop(
    *, everywhere: Annotated[bool, typer.Option("--all", help="Of all configurations.")] = False
) -> int:
    """End the one of this configuration. The next prompt starts a fresh one."""
    from executor.cli.private_maestro import end

    return end(everywhere=everywhere)


@shells_app.command("list")
def list_kept() -> int:
    """Those at work and those that have ended. Id, start, state, command, and where it writes."""
    from executor.cli.shells import list_shells

    return list_shells()


@shells_app.callback(invoke_without_command=True)
def shells(context: typer.Context) -> int:
    """Commands that --keep-background left at work when their session ended."""
    return list_kept() if context.invoked_subcommand is None else 0


@shells_app.command("kill")
def kill_kept(shell: Annotated[str, typer.Argument(help="The first characters of its id.")]) -> int:
    """End one, with all that it has started."""
    from executor.cli.shells import kill

    return kill(shell)


@audit_app.command("show")
def show_audit(
    session: Log = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they are.")] = False,
) -> int:
    """Every order, decision and result of a session. Without --session of the last one."""
    from executor.cli.audit import show as show_log

    return show_log(session, as_json=as_json)


@audit_app.command()
def verify(session: Log = None) -> int:
    """Whether a line was changed or taken away. Exit code 1 then."""
    from executor.cli.audit import verify as verify_logs

    return verify_logs(session)


@app.command()
def models() -> int:
    """Providers, their default models, and which keys are set."""
    from executor.cli.models import models as list_models

    return list_models()


@app.command()
def tools() -> int:
    """What the model is offered: the built-in tools, and your own."""
    from executor.cli.tools import tools as list_tools

    return list_tools()


@app.command()
def login(
    provider: Annotated[str | None, typer.Argument(help="A provider's name, e.g. openai.")] = None,
    server: Server = None,
) -> int:
    """Keep a provider's key, or with --server a team's token. Asked for, or read from a pipe."""
    from executor.cli.login import login as keep

    return keep(provider, server)


@app.command()
def logout(
    provider: Annotated[str | None, typer.Argument(help="A provider's name, e.g. openai.")] = None,
    server: Server = None,
) -> int:
    """Forget what login kept."""
    from executor.cli.login import logout as forget

    return forget(provider, server)


@app.command()
def doctor(server: Server = None, token: Token = None) -> int:
    """What works on this machine, what does not, and how to mend it."""
    from executor.cli.doctor import doctor as examine

    return examine(server, token)


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish")] = "bash") -> int:
    """Print a completion script: codegen completion bash >> ~/.bashrc"""
    from typer._completion_shared import get_completion_script

    if shell not in ("bash", "zsh", "fish"):
        raise UsageError(f"there is no completion for {shell!r}: bash, zsh or fish")
    typer.echo(
        get_completion_script(prog_name="codegen", complete_var=COMPLETE_VARIABLE, shell=shell)
    )
    return 0


def _format(text: str) -> OutputFormat:
    match text:
        case "text" | "json" | "stream-json":
            return text
        case _:
            raise UsageError(f"--output-format: {text!r} is none of text, json, stream-json")
