"""Which commands run unasked: tables of ordinary ones, and of hostile ones that look ordinary.

The decisions are made on a real folder with real links; nothing is run.
"""

import os
from pathlib import Path

import pytest

from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState, decide
from executor.policy.verdict import Allow, Ask, Deny, Mode
from executor.workspace import Workspace
from protocol.tools.shell import Shell

MODES: tuple[Mode, ...] = ("ask", "auto-edit")

ORDINARY = """
ls
ls -la src
ls -la --recursive src
cat README.md
cat -n src/app.py
head -n 20 src/app.py
head -20 src/app.py
tail -5 src/app.py
wc -l src/app.py README.md
pwd
echo hello world
echo "it's done"
date -u
uname -a
whoami
which python3
stat README.md
file README.md
du -sh src
df -h
tree -L 2 src
diff -u README.md src/app.py
grep -rn "def main" src
grep -n 'x = 1' src/app.py
grep -rn --include='*.py' main src
rg -n main src
rg --files src
rg -g '*.py' main
rg -C 3 main src
sort src/app.py
cut -d : -f 1 README.md
git status
git status --short --branch
git log --oneline -10
git log -n 5 --stat
git log -5
git diff
git diff --cached
git diff HEAD~1 -- src/app.py
git show HEAD
git branch
git branch -a
git branch --show-current
git remote -v
git stash list
git blame src/app.py
git rev-parse HEAD
git ls-files
git tag
git grep -n main
find . -name '*.py'
find src -type f -maxdepth 2
cat README.md | head -5
ls && pwd
cd src && ls
ls; pwd
cat missing.txt 2>/dev/null
grep -rn main src 2>/dev/null | wc -l
python3 --version
node --version
test -f README.md
sha256sum README.md
realpath src
basename src/app.py
git log --format=%H -3
git log --since=yesterday
""".strip().splitlines()

HOSTILE = r"""
cat /etc/passwd
cat ../outside.txt
cat ../../etc/passwd
cat src/../../outside.txt
cat leads_out
cat leads_out/file
cat .env
cat src/.env.local
cat .ssh/id_rsa
head keys/server.pem
cat ~/.ssh/id_rsa
cat $HOME/.netrc
cat "$HOME/.netrc"
cat `ls`
echo $(id)
echo "$(id)"
echo "`id`"
echo ${x@P}
ls; rm -rf src
ls && rm x
ls || rm x
ls | sh
ls | xargs rm
ls & rm x
ls > out.txt
ls >> out.txt
ls >| out.txt
ls 2> err.txt
cat < /etc/passwd
cat <(id)
cat << EOF
ls	&& curl evil
curl http://example.test
wget http://example.test
nc -l 1
python3 -c 'print(1)'
python3 script.py
node -e 1
bash -c ls
sh script.sh
./script.sh
env ls
sudo ls
timeout 5 ls
xargs ls
nohup ls
PAGER=id git log
GIT_PAGER=id git log
LD_PRELOAD=x.so ls
find . -exec id +
find . -execdir id +
find . -delete
find . -fprintf out x
find / -name x
find . -ok id +
rg --pre id main
rg --pre=id main
rg --hostname-bin=id main
rg -z main
rg main /etc
sort --compress-program=id src/app.py
sort -o out src/app.py
sort -T /tmp src/app.py
sed -i s/a/b/ src/app.py
sed -n 1p src/app.py
sed e src/app.py
awk 1 src/app.py
tar -cf x --checkpoint-action=exec=id .
tree -o out
git -c core.pager=id log
git -C /tmp log
git --exec-path=/tmp log
git --git-dir=/tmp/x log
git log --output=out
git diff --ext-diff
git diff --textconv
git diff --no-index /etc/passwd README.md
git diff --no-index README.md ../outside.txt
git grep -O main
git grep --open-files-in-pager=id main
git show --output=x HEAD
git fetch
git push
git pull
git clone x
git ls-remote x
git commit -m x
git add .
git checkout .
git reset --hard
git clean -fd
git stash
git stash drop
git branch -D main
git branch new
git tag v1
git config alias.x '!id'
git reflog expire --all
git remote add x y
git remote update
git submodule update
git blame --contents=/etc/passwd README.md
git archive HEAD
man --html=id ls
less README.md
vi README.md
cat README.md; rm x
cat x:~/y
grep --include=~/x a
echo 'a
b'; id
ls *
cat *.md
ls src/?pp.py
ls {a,b}
ls [ab]
cat ~root/x
cd .. && cat outside.txt
cd src && cat ../../outside.txt
cd / && ls
cd
cd -
echo a\ b
ls \
ls "unclosed
tee out
dd if=README.md of=x
cp README.md x
mv README.md x
touch x
mkdir x
chmod +x README.md
ln -s / x
kill 1
date -s now
hostname evil
export X=1
alias ls=id
exec id
eval id
. ./script.sh
source script.sh
printf %s x
tail -f README.md
tail --pid=1 README.md
diff --to-file=/etc/passwd README.md
wc --files0-from=/etc/passwd
grep -f /etc/passwd README.md
grep -r main /etc
grep -e main /etc/passwd
du --files0-from=/etc/passwd
file -f /etc/passwd
file -C -m x
!!
ls !$
ls #x
time ls
! ls
(ls)
{ ls; }
if ls; then id; fi
function ls { id; }
ls=1
""".strip("\n").splitlines()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outer = tmp_path_factory.mktemp("outer")
    root = outer / "project"
    (root / "src").mkdir(parents=True)
    (root / "README.md").write_text("read me\n")
    (root / "src" / "app.py").write_text("x = 1\n")
    (root / ".env").write_text("SECRET=synthetic\n")
    (outer / "outside.txt").write_text("outside\n")
    os.symlink(outer, root / "leads_out")
    return root


def _verdict(command: str, root: Path, state: PolicyState) -> Allow | Ask | Deny:
    call = PlannedCall("Shell", "execute", Shell(command))
    return decide(call, state, Workspace(root).resolve)


@pytest.mark.parametrize("command", ORDINARY)
def test_an_ordinary_look_runs_unasked(command: str, project: Path) -> None:
    assert _verdict(command, project, PolicyState(trusted=True)) == Allow("it only looks")


@pytest.mark.parametrize("command", HOSTILE)
@pytest.mark.parametrize("mode", MODES)
def test_whatever_is_not_surely_harmless_asks(command: str, mode: Mode, project: Path) -> None:
    state = PolicyState(mode=mode, trusted=True)
    assert isinstance(_verdict(command, project, state), Ask)


@pytest.mark.parametrize("command", HOSTILE)
def test_read_only_mode_denies_what_is_not_surely_harmless(command: str, project: Path) -> None:
    verdict = _verdict(command, project, PolicyState(mode="read-only", trusted=True))
    assert isinstance(verdict, Deny)


@pytest.mark.parametrize("command", ["git status", "git log --oneline -10", "ls && git diff"])
def test_git_asks_where_the_directory_is_not_trusted(command: str, project: Path) -> None:
    assert isinstance(_verdict(command, project, PolicyState()), Ask)


def test_a_command_of_ten_thousand_parts_asks(project: Path) -> None:
    verdict = _verdict(" && ".join(["ls"] * 10_000), project, PolicyState(trusted=True))
    assert isinstance(verdict, Ask)
