"""Sessions whose packets get lost on the way, some of them or all of one direction.

`python -m tests.faults.lossy --database-url URL --redis-url URL --loss 0.2 --one-way 60` runs in a
network namespace of its own, where it drops packets by iptables: needs Linux and the right to make
one. Prints a line of JSON; judges nothing but what the checker finds.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from maestro.bootstrap import migrate_ledger
from maestro.settings import Backends
from tests.architecture.sources import ROOT
from tests.faults.checker import violations
from tests.faults.restarts import lived_through, team_door
from tests.faults.team import Backing, maestros
from tests.faults.work import Work
from tests.interaction.world import KEY
from tests.scripted_model import ScriptedModel

INSIDE = "CODEGEN_LOSSY_INSIDE"
PROBE = "ip link set lo up && iptables -A INPUT -p tcp -m statistic {} -j DROP"
AT_RANDOM = "--mode random --probability {}"


def wrapper() -> list[str] | None:
    """What gives a command a network of its own; None where the machine does not allow it."""
    if shutil.which("unshare") is None or shutil.which("iptables") is None:
        return None
    probe = ["sh", "-c", PROBE.format(AT_RANDOM.format(0.1))]
    for made in (["unshare", "-n"], ["unshare", "-rn"]):
        if subprocess.run([*made, *probe], capture_output=True, check=False).returncode == 0:
            return made
    return None


class Loss:
    """Packets of one port of this namespace that never arrive."""

    def __init__(self, port: int) -> None:
        self._ports = {"to": ("--dport", str(port)), "from": ("--sport", str(port))}

    def some(self, probability: float) -> None:
        """Of both directions."""
        for way in self._ports.values():
            _iptables(
                "-A", "INPUT", *way, "-m", "statistic", *AT_RANDOM.format(probability).split()
            )

    async def all(self, way: str, seconds: float) -> None:
        """`to` the maestro, or `from` it; then they arrive again."""
        rule = ("INPUT", *self._ports[way])
        _iptables("-I", *rule)
        await asyncio.sleep(seconds)
        _iptables("-D", *rule)


def _iptables(verb: str, chain: str, way: str, port: str, *more: str) -> None:
    rule = ["-w", verb, chain, "-p", "tcp", way, port, *more, "-j", "DROP"]
    subprocess.run(["iptables", *rule], check=True, capture_output=True)


async def course(options: argparse.Namespace) -> dict[str, object]:
    """Some sessions on two maestros, seen through a proxy behind the lossy line."""
    await migrate_ledger(Backends(database_url=options.database_url))
    with tempfile.TemporaryDirectory(prefix="cg-lossy-", dir="/tmp") as name:
        folder = Path(name)
        async with ScriptedModel(Work(options.steps, seconds=0.2), api_key=KEY) as model:
            backing = Backing(options.database_url, options.redis_url, model.base_url)
            with maestros(folder, backing, "maestro") as made:
                async with team_door(made) as proxy:
                    loss = Loss(int(proxy.address.rpartition(":")[2]))
                    loss.some(options.loss)

                    async def trouble() -> None:
                        for way in ("to", "from"):
                            await loss.all(way, options.one_way)

                    lives = await lived_through(
                        folder, backing, model, proxy, trouble, sessions=options.sessions
                    )
    return {
        "outcomes": [life.outcome for life in lives],
        "violations": [str(each) for life in lives for each in violations(life.history)],
        "longest_pause": round(max(life.longest_pause for life in lives), 2),
    }


def dropped() -> int:
    """Packets that the rules of this namespace dropped."""
    shown = subprocess.run(
        ["iptables", "-L", "INPUT", "-v", "-n", "-x"], capture_output=True, text=True, check=True
    )
    rules = [line.split() for line in shown.stdout.splitlines() if "DROP" in line]
    return sum(int(rule[0]) for rule in rules)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.lossy")
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--redis-url", required=True)
    parser.add_argument("--loss", type=float, default=0.1, help="of the packets of each direction")
    parser.add_argument("--one-way", type=float, default=2.0, help="seconds of each direction")
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    options = parser.parse_args()
    if INSIDE not in os.environ:
        within = wrapper()
        if within is None:
            sys.stderr.write("this machine gives no network namespace with iptables\n")
            return 2
        command = [*within, sys.executable, "-m", "tests.faults.lossy", *sys.argv[1:]]
        environment = {**os.environ, INSIDE: "1"}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    told = asyncio.run(course(options))
    sys.stdout.write(json.dumps({**told, "dropped": dropped()}) + "\n")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
