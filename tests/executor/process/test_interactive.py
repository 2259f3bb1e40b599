"""Commands that want a person are told from those that do not."""

import pytest

from executor.process.interactive import wants_a_person
from tests.yardstick import least_cost

WANT = [
    *"""
vim f
nvim
/usr/bin/vi f
sudo nano /etc/hosts
VISUAL=x emacs notes.txt
env FOO=1 vim f
make && vim Makefile
cd src; python
python3
python3 -i
(python)
time python
ipython
node
irb
ghci
bash
sh -i
top
htop
watch ls
git commit
git commit -a
git -C sub commit --amend
git rebase -i HEAD~3
git rebase --interactive main
git add -p
git add -i
git checkout -p
git stash -p
git clean -i
git mergetool
ssh host
ssh -p 2222 user@host
psql
psql mydb
mysql -u root
sqlite3 app.db
redis-cli
sftp host
gdb ./a.out
tmux
tmux attach -t x
screen
crontab -e
visudo
passwd
fzf
""".strip().splitlines(),
    "# a comment\nvim f",
    "ls\npython",
]

NEED_NOBODY = [
    *r"""
vim --version
vim -es -c 'wq' f
emacs --batch -l x.el
echo vim
git log --grep vim
find . -name vim
ls # vim
which python
python3 x.py
python3 -c 'print(1)'
python3 -m http.server
echo 'print(1)' | python3
python3 < script.py
python3 - < script.py
cat f | bash
node server.js
bash build.sh
bash -c 'echo x'
top -b -n 1
top -bn1
git commit -m 'a message'
git commit -am x
git commit -qm x
git commit --amend --no-edit
git commit -F message.txt
git -c core.editor=true commit
GIT_EDITOR=: git commit --amend
GIT_SEQUENCE_EDITOR=: git rebase -i HEAD~2
git rebase main
git add -A
git log -p
git stash
git checkout -- f
printf 'y\n' | git add -p
less f
man ls
ssh host uptime
ssh -N -L 1:localhost:2 host
ssh host < script.sh
psql -c 'select 1'
psql mydb < dump.sql
mysql -e 'select 1'
sqlite3 app.db 'select 1'
redis-cli GET key
sftp -b batch host
gdb -batch -ex bt ./a.out
tmux new-session -d -s x
crontab -l
npm init -y
""".strip().splitlines(),
    "git commit -m 'two\nlines'",
    "#!/bin/sh\necho x",
    "# run python\nls",
    "ls # then\nls",
    "python3 <<'EOF'\nprint(1)\nEOF",
    "cat > notes <<EOF\nvim\ntop\nEOF",
    "echo 'an open quote; vim",
    "x" * 20_000 + "; vim",
]


@pytest.mark.parametrize("command", WANT)
def test_what_waits_for_a_person_is_recognised(command: str) -> None:
    why = wants_a_person(command)

    assert why is not None
    assert "waits for a person: " in why


@pytest.mark.parametrize("command", NEED_NOBODY)
def test_what_needs_nobody_is_left_alone(command: str) -> None:
    assert wants_a_person(command) is None


@pytest.mark.parametrize("command", ["less f", "git log | less", "man ls"])
def test_a_pager_waits_where_it_has_a_terminal(command: str) -> None:
    assert wants_a_person(command) is None
    assert "pty" in (wants_a_person(command, terminal=True) or "")


def test_a_long_line_is_looked_at_quickly() -> None:
    assert least_cost(lambda: wants_a_person("vim-like " * 1700)) < 0.05
