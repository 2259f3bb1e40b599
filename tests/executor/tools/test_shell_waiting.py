"""`Shell`: commands that wait for input end by themselves, and soon."""

import asyncio
import time
from contextlib import suppress

from executor.errors import ToolFailure
from tests.executor.tools.world import World
from tests.requirements import covers

WAITING = r"""
cat
cat -
read x
read -p 'name? ' x; echo "got: $x"
read -s -p 'password: ' x
select x in a b; do echo $x; done
while read line; do echo $line; done
mapfile lines; echo ${#lines[@]}
head -1
tail
sort
uniq
wc -l
tr a b
sed p
awk '{print}'
grep x
cut -c1
rev
tee copy
nl
paste -
fold
od
xxd
md5sum
sha256sum
base64
gzip -c
xargs echo
dd bs=1 count=1
diff - a
comm - a
patch -p1
python3 -c 'input("name? ")'
python3 -c 'import getpass; getpass.getpass()'
python3 -c 'import sys; sys.stdin.read()'
python3 -i -c 'x = 1'
python3 -m pdb a.py
python3 -
perl -e 'my $line = <STDIN>;'
bash -s
sh -i -c 'read x'
rm -i a
cp -i a b
mv -i a b
git init -q . && git commit --allow-empty
git add --patch a
git hash-object --stdin
git credential fill
git clone -q https://localhost:1/x.git
ssh -o ConnectTimeout=2 nobody@localhost
ssh -o ConnectTimeout=2 nobody@localhost true
su -c true nobody
sudo -k true
passwd
less a
more a
man ls
vim a
nano a
top
python3
ed a
bc
crontab -
mail somebody
tty
stty -a
exec < /dev/tty
dialog --yesno ok 5 20
apt-get install
npm init
""".strip().splitlines()


@covers("R-SHELL-4")
async def test_no_command_that_waits_for_input_hangs(world: World) -> None:
    world.file("a", "a\n")
    world.file("b", "b\n")
    world.file("a.py", "x = 1\n")
    slots = asyncio.Semaphore(8)

    async def seconds(command: str) -> float:
        async with slots:
            began = time.monotonic()
            with suppress(ToolFailure):  # refused: it does not wait either
                await world.run("Shell", command=command, timeout_s=30)
            return time.monotonic() - began

    taken = await asyncio.gather(*map(seconds, WAITING))

    assert len(WAITING) >= 50
    assert {c: s for c, s in zip(WAITING, taken, strict=True) if s > 25} == {}


async def test_neither_does_one_in_a_terminal(world: World) -> None:
    commands = [
        "cat",
        "read x",
        "read -s -p 'password: ' x",
        "cat < /dev/tty",
        "python3 -c 'input()'",
        "python3 -c 'import getpass; getpass.getpass()'",
        "python3 -q -c '' && sort",
        "bash -c 'read a; read b; read c'",
    ]
    began = time.monotonic()

    outcomes = await asyncio.gather(
        *(world.run("Shell", command=command, timeout_s=30, pty=True) for command in commands)
    )

    assert [outcome.status for outcome in outcomes] == ["success"] * len(commands)
    assert time.monotonic() - began < 25
