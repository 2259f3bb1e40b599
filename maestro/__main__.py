"""The `maestro` command: read the arguments, then hand over to one command.

Imports nothing heavy itself, so that `--help` and bad usage answer at once.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from maestro.errors import MaestroError

EPILOG = """\
Every flag can be an environment variable: MAESTRO_MODEL, MAESTRO_DATABASE_URL (postgresql://...),
MAESTRO_REDIS_URL (redis://...), MAESTRO_ALLOWED_HOSTS, ... Flags win. Without a database URL the
ledger is a SQLite file, without a Redis URL the bus is in memory: right for one process.

first start of a team's server:
  export OPENAI_API_KEY=...  MAESTRO_DATABASE_URL=postgresql://...  MAESTRO_REDIS_URL=redis://...
  maestro migrate
  maestro keys create alice
  maestro serve --host 0.0.0.0 --allowed-hosts maestro.example
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code is 0, 1 (it failed, one line says why) or 2 (bad usage)."""
    given = _parser().parse_args(arguments)
    try:
        match given.command:
            case "serve":
                from maestro.commands.serve import serve

                return serve(vars(given))
            case "private":
                from maestro.commands.private import private

                return private(given.listen_fd, given.secrets_fd, given.ready_fd)
            case "models":
                from maestro.commands.models import models

                return models(environment_from_stdin=given.environment_from_stdin)
            case "bench":
                from maestro.commands.bench import bench

                return bench(
                    given.url,
                    sessions=given.sessions,
                    prompts=given.prompts,
                    yes=given.yes,
                    json=given.json,
                )
            case "failpoints":
                from maestro.failpoints import FAILPOINTS

                sys.stdout.writelines(f"{name}  {what}\n" for name, what in FAILPOINTS.items())
                return 0
            case "migrate":
                from maestro.commands.migrate import migrate

                return migrate(vars(given))
            case _:
                return _keys(given)
    except MaestroError as error:
        sys.stderr.write(f"maestro: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _keys(given: argparse.Namespace) -> int:
    from maestro.commands.keys import create_key, list_keys, revoke_key

    flags = vars(given)
    match given.action:
        case "create":
            return create_key(flags, given.name, given.expires, another=given.another)
        case "list":
            return list_keys(flags)
        case _:
            return revoke_key(flags, given.id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maestro",
        description="Plan with a language model and order tool calls from executors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _serve_flags(commands.add_parser("serve", help="serve executors, watchers and REST"))
    _database_flags(commands.add_parser("migrate", help="bring the database's schema up to date"))
    keys = commands.add_parser("keys", help="who may come in")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a person's token and print it, once")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--expires", metavar="TIME", help="let it end by itself: 90d, 12h, 2w")
    create.add_argument(
        "--another", action="store_true", help="one more key for a person who has one"
    )
    revoke = actions.add_parser("revoke", help="end a key; what uses it is closed within 5 s")
    revoke.add_argument("id", metavar="ID", help="as `maestro keys list` shows it")
    listed = actions.add_parser("list", help="all keys: id, person, state; never the token")
    for action in (create, revoke, listed):
        _database_flags(action)
    models = commands.add_parser("models", help="providers, and which of them have a key")
    models.add_argument("--environment-from-stdin", action="store_true", help=argparse.SUPPRESS)
    _bench_flags(commands.add_parser("bench", help="service levels of a running deployment"))
    commands.add_parser("failpoints", help="where fault tests can make this program die")
    private = commands.add_parser("private")
    for name in ("listen", "secrets", "ready"):
        private.add_argument(f"--{name}-fd", type=int, required=True, help=argparse.SUPPRESS)
    return parser


def _database_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database-url", metavar="URL", help="postgresql://... or sqlite:///path")
    parser.add_argument("--state-dir", metavar="DIR", type=Path, help="where SQLite's file lies")


def _bench_flags(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Attach sessions to a deployment, prompt each, and tell how long acknowledgements and "
        "first words took and how many sessions were held. Its real model answers: it asks before "
        "it spends, unless --yes. The token is read from CODEGEN_TOKEN."
    )
    parser.add_argument("url", metavar="URL", help="https://maestro.example")
    parser.add_argument("--sessions", type=int, default=1, metavar="N", help="at once (1)")
    parser.add_argument("--prompts", type=int, default=3, metavar="M", help="of each session (3)")
    parser.add_argument("--yes", action="store_true", help="do not ask before spending")
    parser.add_argument("--json", action="store_true", help="every figure, as JSON")


def _serve_flags(parser: argparse.ArgumentParser) -> None:
    _database_flags(parser)
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8400; 0 takes a free one)")
    parser.add_argument("--uds", type=Path, metavar="PATH", help="a unix socket instead, 0600")
    parser.add_argument("--role", help="all | edge | worker: scale doors and planning apart")
    parser.add_argument("--auth", help="token | none (none: this machine alone)")
    parser.add_argument("--allowed-hosts", metavar="A,B", help="names this server is called by")
    parser.add_argument("--allowed-origins", metavar="A,B", help="web origins that may connect")
    parser.add_argument(
        "--redis-url", metavar="URL", help="redis://..., rediss://... or unix://..."
    )
    parser.add_argument("--model", help="provider/name, name, or replay:FILE")
    parser.add_argument("--base-url", metavar="URL", help="another OpenAI-compatible address")
    parser.add_argument("--fallbacks", metavar="A,B", help="models to try when the first fails")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the model's side there")
    parser.add_argument("--max-steps", type=int, help="generations of one run (100)")
    parser.add_argument("--max-seconds", type=float, help="wall time of one run (3600)")
    parser.add_argument("--max-tokens", type=int, help="tokens of one run (no bound)")
    parser.add_argument("--max-cost", type=float, help="US dollars of one run (no bound)")
    parser.add_argument("--park-seconds", type=float, help="wait for an absent executor (600)")
    parser.add_argument("--generations", type=int, help="generations at once (1000)")
    parser.add_argument("--log-level", help="debug | info | warning | error")
    parser.add_argument("--log-format", help="text | json")


if __name__ == "__main__":
    sys.exit(main())
