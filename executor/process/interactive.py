"""Recognise commands that want a person at a keyboard, and say what to run instead.

By the words of a command line, so it spares a model a detour and guards nothing: standard input is
closed anyway, and time-outs hold.
"""

import re
import shlex
from collections.abc import Callable, Sequence

import msgspec

from executor.errors import ToolFailure

_OPERATORS = frozenset(";|&()<>\n")
_WORD = re.compile(r"[\w-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_RUNNERS = frozenset({
    "builtin", "command", "doas", "env", "exec", "ionice", "nice", "nohup", "setsid", "stdbuf",
    "sudo", "time",
})  # fmt: skip
_ASKS_ABOUT_ITSELF = frozenset({"--version", "--help", "-V", "-h", "-version", "-help"})

_EDITORS = (
    "vi vim nvim view vimdiff gvim nano pico emacs emacsclient micro joe jed mcedit kak hx helix ne"
)
_SCREENS = "htop btop atop nvtop glances iotop iftop nethogs mc ranger nnn lazygit tig ncdu k9s"
_PROMPTS = (
    "python python2 python3 pypy3 ipython node deno bun irb pry ghci lua julia R racket guile"
)
_SHELLS = "bash sh zsh dash ksh fish"
_DATABASES = "psql mysql mariadb mongosh redis-cli sqlite3 duckdb"

Wants = Callable[[Sequence[str]], bool]


class Rule(msgspec.Struct, frozen=True):
    """Programs, which of their calls want a person, and what does without one."""

    programs: frozenset[str]
    wants: Wants
    hint: str
    fed: bool = False
    """Does without a person where something is piped or redirected into it."""


def _always(_words: Sequence[str]) -> bool:
    return True


def _without(*options: str) -> Wants:
    return lambda words: not _any(words, *options)


def _with(*options: str) -> Wants:
    return lambda words: _any(words, *options)


def _any(words: Sequence[str], *options: str) -> bool:
    """Whether an option is there; a short one may be joined with others."""
    for word in words:
        for option in options:
            long = word.partition("=")[0]
            joined = len(option) == 2 and re.match(r"-[A-Za-z]+", word) and option[1] in word
            if long == option or joined:
                return True
    return False


def _plain(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith("-")]


def _is_prompt(words: Sequence[str]) -> bool:
    """No program to run: no word, or only options that change how the prompt behaves."""
    return all(word in ("-i", "-q", "-B", "-u", "--quiet", "repl") for word in words)


def _database_prompt(words: Sequence[str]) -> bool:
    if _any(words, "-c", "-f", "-l", "-e", "--command", "--file", "--execute", "--eval", "-x"):
        return False
    return len(_plain(words)) < 2


def _remote_prompt(words: Sequence[str]) -> bool:
    """ssh with a host and no command."""
    valued = frozenset("BbcDEeFIiJLlmOopQRSWw")
    plain, skip = 0, False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            if _any((word,), "-N", "-f", "-V", "-G"):
                return False
            skip = len(word) == 2 and word[1] in valued
        else:
            plain += 1
    return plain == 1


def _commits_by_editor(words: Sequence[str]) -> bool:
    return not _any(
        words, "-m", "--message", "-F", "--file", "-C", "--reuse-message", "--no-edit", "--fixup",
        "--dry-run",
    )  # fmt: skip


def _picks(words: Sequence[str]) -> bool:
    return _any(words, "-p", "--patch") or _any(words, "-i", "--interactive")


def _multiplexes(words: Sequence[str]) -> bool:
    plain = _plain(words)
    return not _any(words, "-d", "-D", "-S", "-X") and (
        not plain or plain[0] in ("attach", "attach-session", "a", "at")
    )


def _rule(programs: str, wants: Wants, hint: str, *, fed: bool = False) -> Rule:
    return Rule(frozenset(programs.split()), wants, hint, fed)


_EDIT = "it is an editor; change files with Edit or WriteFile"
RULES = (
    _rule(
        _EDITORS,
        _without("-es", "-Es", "--batch", "-batch", "--script", "-script", "--headless"),
        _EDIT,
    ),
    _rule(_SCREENS, _always, "it draws a screen for a person; use a program that prints and ends"),
    _rule("top", _without("-b", "-l"), "it draws a screen for a person; use top -b -n 1"),
    _rule("watch", _always, "it never ends; run the command itself, or a loop with sleep"),
    _rule(
        _PROMPTS,
        _is_prompt,
        "without a program it opens a prompt; give it a file, a program (python -c) or a heredoc",
        fed=True,
    ),
    _rule(_SHELLS, _is_prompt, "without a command it opens a prompt; use -c", fed=True),
    _rule(
        _DATABASES,
        _database_prompt,
        "without a statement it opens a prompt; give the statement (psql -c, mysql -e, "
        "sqlite3 FILE 'select 1', redis-cli GET key)",
        fed=True,
    ),
    _rule("ssh", _remote_prompt, "without a command it opens a prompt; add one", fed=True),
    _rule("telnet ftp", _always, "it is a conversation; use curl or nc with input", fed=True),
    _rule("sftp", _without("-b"), "it is a conversation; use scp or sftp -b", fed=True),
    _rule("gdb lldb", _without("-batch", "--batch", "-b"), "add --batch and -ex", fed=True),
    _rule("tmux screen", _multiplexes, "it draws a screen; use background: true of Shell"),
    _rule("fzf dialog whiptail", _without("-f", "--filter"), "it lets a person choose; decide"),
    _rule("visudo vipw vigr", _always, _EDIT),
    _rule("crontab", _with("-e"), "it opens an editor; use crontab FILE or crontab -"),
    _rule("passwd", _always, "it asks for a password; leave that to the user", fed=True),
)
GIT_RULES = (
    _rule("commit", _commits_by_editor, "it opens an editor; give the message with -m"),
    _rule("rebase", _with("-i", "--interactive"),
          "it opens an editor; set GIT_SEQUENCE_EDITOR to a command that writes the list"),
    _rule("add checkout reset stash restore", _picks,
          "it asks about each part; name whole paths, or apply a patch with git apply --cached",
          fed=True),
    _rule("clean", _with("-i", "--interactive"), "it asks; use -n, then -f with paths", fed=True),
    _rule("mergetool difftool citool gui", _always, "it draws a screen; edit the files"),
)  # fmt: skip
PAGERS = frozenset({"less", "more", "most", "man"})
_LENGTH_MAX = 16 * 1024
_NAMES = PAGERS.union({"git"}, *(rule.programs for rule in RULES))
"""Most lines hold none of these, and are not looked at any further."""


def wants_a_person(command: str, *, terminal: bool = False) -> str | None:
    """Why `command` would wait for a person, and what to run instead; None where it may well not.

    `terminal`: its output is a terminal, so that a pager pages.
    """
    if len(command) > _LENGTH_MAX or _NAMES.isdisjoint(_WORD.findall(command)):
        return None
    for written, fed in _simple_commands(command):
        assigned, words = _program_of(written)
        if not words or _ASKS_ABOUT_ITSELF & {*words[1:]}:
            continue
        program, rest = words[0].rpartition("/")[2], words[1:]
        if terminal and program in PAGERS:
            return f"{program} waits for keys in a terminal: run it without pty, or use cat"
        for rule in RULES:
            if program in rule.programs and rule.wants(rest) and not (rule.fed and fed):
                return f"{program} waits for a person: {rule.hint}"
        if program == "git" and not any("EDITOR=" in word for word in assigned):
            hint = _git(rest, fed=fed)
            if hint is not None:
                return hint
    return None


def refuse_waiting(command: str, *, terminal: bool) -> None:
    """Raises ToolFailure `interactive` for what wants a person."""
    why = wants_a_person(command, terminal=terminal)
    if why is not None:
        raise ToolFailure("interactive", f"Not run, as nobody can type here: {why}.")


def _git(words: Sequence[str], *, fed: bool) -> str | None:
    start = 0
    while start < len(words) and words[start].startswith("-"):
        if words[start] == "-c" and "editor" in "".join(words[start + 1 : start + 2]).lower():
            return None
        start += 2 if words[start] in ("-C", "-c") else 1
    for rule in GIT_RULES:
        named = rule.programs.intersection(words[start : start + 1])
        if named and rule.wants(words[start + 1 :]) and not (rule.fed and fed):
            return f"git {words[start]} waits for a person: {rule.hint}"
    return None


def _program_of(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Assignments in front of a program, and the program with its words, runners left out."""
    assigned: list[str] = []
    rest = list(words)
    while rest:
        if _ASSIGNMENT.match(rest[0]):
            assigned.append(rest.pop(0))
        elif rest[0] in _RUNNERS and len(rest) > 1 and not rest[1].startswith("-"):
            rest.pop(0)
        else:
            break
    return assigned, rest


def _simple_commands(line: str) -> list[tuple[list[str], bool]]:
    """The words of each simple command, and whether something is fed to it.

    What follows a here-document's mark is not looked at; nor is a line with an open quote.
    """
    head, mark, _ = line.partition("<<")
    lexer = shlex.shlex(head, posix=True, punctuation_chars="".join(_OPERATORS))
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return []
    commands: list[tuple[list[str], bool]] = []
    words: list[str] = []
    fed, piped, skips, comment = False, False, False, False
    for piece in tokens:
        comment = (comment or piece.startswith("#")) and "\n" not in piece
        if skips or comment:
            skips = False
        elif not _OPERATORS.issuperset(piece):
            words.append(piece)
        elif piece in ("<", ">", ">>", ">&", "&>", "<&"):
            fed = fed or piece == "<"
            skips = True
        else:
            commands.append((words, fed or piped))
            words, fed, piped = [], False, piece == "|"
    commands.append((words, fed or piped or bool(mark)))
    return [command for command in commands if command[0]]
