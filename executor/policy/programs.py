"""The programs that are known to only look, each with the options that it may have.

Tables; what becomes of a command is decided in `harmless`.
"""

import msgspec


class Looking(msgspec.Struct, frozen=True):
    """What a program may be given: flags (short ones may be joined), and options with a value."""

    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    free_words: int = 0
    """So many leading words are no paths (a pattern, a program for sed)."""
    paths: int = 10_000
    """So many words after those may follow, all of them paths."""


def _looking(flags: str = "", valued: str = "", free: int = 0, paths: int = 10_000) -> Looking:
    return Looking(frozenset(flags.split()), frozenset(valued.split()), free, paths)


_GREP = _looking(
    "-r -n -i -l -L -c -v -w -x -h -H -o -E -F -P -s -q -I -a --recursive --line-number "
    "--ignore-case --files-with-matches --count --invert-match --word-regexp --no-messages "
    "--extended-regexp --fixed-strings --perl-regexp --only-matching --color=never --color=auto",
    "-A -B -C -m --include --exclude --exclude-dir --max-count --context",
    1,
)
PROGRAMS: dict[str, Looking] = {
    "ls": _looking(
        "-l -a -A -1 -h -R -r -t -S -d -F -p -i -s -n -g -o --all --recursive --almost-all "
        "--human-readable --reverse --directory --size --classify --color=never --color=auto"
    ),
    "cat": _looking("-n -b -s -A -E -T -v"),
    "head": _looking("-q -v", "-n -c"),
    "tail": _looking("-q -v", "-n -c"),
    "wc": _looking("-l -w -c -m -L --lines --words --bytes --chars"),
    "nl": _looking("-ba"),
    "pwd": _looking("-P -L", paths=0),
    "echo": _looking("-n", free=10_000, paths=0),
    "true": _looking(),
    "false": _looking(),
    "date": _looking("-u -I", paths=0),
    "uname": _looking("-a -s -r -m -n -o -p", paths=0),
    "whoami": _looking(paths=0),
    "id": _looking("-u -g -n", paths=0),
    "hostname": _looking(paths=0),
    "nproc": _looking("--all", paths=0),
    "arch": _looking(paths=0),
    "which": _looking("-a", free=10_000, paths=0),
    "type": _looking("-a -t -p", free=10_000, paths=0),
    "basename": _looking("-a", "-s"),
    "dirname": _looking("-z"),
    "realpath": _looking("-e -m -s"),
    "readlink": _looking("-f -e -m"),
    "stat": _looking("-t -L", "-c --format --printf"),
    "file": _looking("-b -i -L --mime-type --brief"),
    "du": _looking("-s -h -a -c -k -m -b --summarize", "-d --max-depth"),
    "df": _looking("-h -k -m -T -i"),
    "tree": _looking("-a -d -f -i -s -h -p -D -F --gitignore --dirsfirst --noreport", "-L -I -P"),
    "diff": _looking("-u -q -i -w -b -B -N -y --brief --unified --color=never", "-U"),
    "cmp": _looking("-s -l -b"),
    "comm": _looking("-1 -2 -3"),
    "cut": _looking("-s", "-d -f -c -b"),
    "uniq": _looking("-c -d -u -i", paths=1),
    "sort": _looking("-n -r -u -f -b -h -V -g -M -d -i -s -c -z", "-k -t"),
    "tr": _looking("-d -s -c", free=2, paths=0),
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": _looking(
        "-n -i -l -c -v -w -x -F -S -o -s -q -U -N -H -I --files --hidden --line-number "
        "--ignore-case --files-with-matches --count --fixed-strings --smart-case --no-heading "
        "--heading --word-regexp --multiline --no-ignore --count-matches --no-config --color=never "
        "--stats --sort=path --only-matching --no-line-number --with-filename --no-filename",
        "-A -B -C -m -g -t -T --glob --type --max-count --max-depth --context -d",
        1,
    ),
    "md5sum": _looking(),
    "sha1sum": _looking(),
    "sha256sum": _looking(),
    "test": _looking("-e -f -d -r -w -x -s -z -n -L -h"),
    "rev": _looking(),
    "paste": _looking("-s", "-d"),
    "fold": _looking("-s", "-w"),
    "od": _looking("-c -x -b -v", "-A -t -N -j"),
    "strings": _looking("-a", "-n"),
    "column": _looking("-t", "-s"),
    "seq": _looking(free=3, paths=0),
    "sleep": _looking(free=1, paths=0),
    "expand": _looking("-i", "-t"),
}
"""Not here on purpose: awk, xargs, env, less, man, python, `diff -r`, `grep -R`: they run things,
or follow links that lead out. What find and sed may be given is below."""
FILTERS = frozenset({
    "grep", "egrep", "fgrep", "rg", "tail", "sed", "cut", "sort", "uniq", "tr", "rev", "fold",
    "column", "paste", "od", "strings", "comm", "diff", "expand",
})  # fmt: skip
"""Of these, what takes lines of its input apart, or leaves some out from the beginning on."""
BUILT_IN = frozenset({"cd", "echo", "false", "pwd", "test", "true", "type"})

_NODE = (".node-version", ".nvmrc")
_PYTHON = (".python-version",)
_RUST = ("rust-toolchain", "rust-toolchain.toml")
_GO = ("go.mod", "go.work", ".go-version")
_JAVA = (".java-version",)

VERSIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("gcc", "clang", "make", "cmake", "docker", "tsc", "uv", "deno", "bun"), ()),
    **dict.fromkeys(("python", "python3", "pip"), _PYTHON),
    **dict.fromkeys(("node", "npm"), _NODE),
    **dict.fromkeys(("cargo", "rustc"), _RUST),
    **dict.fromkeys(("java", "javac"), _JAVA),
    "pnpm": (*_NODE, "package.json", "pnpm-workspace.yaml"),
    "yarn": (*_NODE, "package.json", ".yarnrc", ".yarnrc.yml"),
    "go": _GO,
    "ruby": (".ruby-version",),
    "php": (".php-version",),
}
"""Programs that tell their version, and the files with which a project may say which program that
is: `yarnPath: ./x.cjs` is run by `yarn --version`, the `path` of a rust-toolchain.toml by cargo."""
SHORT_VERSIONS = dict.fromkeys(VERSIONS, "--version") | {
    **dict.fromkeys(("python", "python3", "pip", "cargo", "rustc", "uv"), "-V"),
    **dict.fromkeys(("node", "npm", "pnpm", "yarn", "ruby", "php", "make", "docker", "tsc"), "-v"),
    **dict.fromkeys(("java", "javac"), "-version"),
    "go": "version",
}
"""Another way to ask each of them."""
CHOOSING = (
    ".tool-versions", "mise.toml", ".mise.toml", "mise.local.toml", ".mise.local.toml", "mise",
    ".mise", ".config/mise", ".config/mise.toml", ".rtx.toml", ".prototools",
)  # fmt: skip
"""The same for any program, where a version manager stands in for it."""
