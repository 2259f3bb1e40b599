"""How long a decision takes: some milliseconds, whatever it is about."""

from pathlib import Path

import pytest

from executor.policy.verdict import Allow
from tests.executor.policy.ground import build, built_in, policy
from tests.yardstick import least_cost


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("outer"))


@pytest.mark.parametrize(
    "line",
    [
        " && ".join(f"git log push{number}" for number in range(10_000)),
        ";".join(f"echo git push {number}" for number in range(10_000)),
        "git push;" * 10_000,
        "sudo " * 10_000 + "git push",
        "|" * 1024,
        "2>" * 512,
        "for f in a; do " * 60,
        "'a'" * 340 + "\\ ",
        "cat " + "src/x " * 250,
        "grep -r x . && " * 25 + "ls",
        "(" + "src/*.py " * 30 + ")",
    ],
    ids=lambda line: line[:20],
)
def test_a_decision_about_a_huge_line_takes_milliseconds_with_rules_too(
    line: str, root: Path
) -> None:
    rules = tuple(f"Git({verb} *)" for verb in ("push", "reset", "clean", "rebase", "gc"))
    call = built_in("Shell", command=line)
    with policy(root, deny=(*rules, "Shell(rm *)", "Shell(curl *)", "Read(private/**)")) as made:
        verdict = made.decide(call)
        cost = least_cost(lambda: made.decide(call))
    assert cost < 0.005
    assert not isinstance(verdict, Allow) or line.startswith("cat")


def test_a_decision_about_any_line_of_the_tables_takes_milliseconds(root: Path) -> None:
    tables = Path(__file__).parent
    took: list[float] = []
    with policy(root, deny=("Git(push *)", "Shell(rm *)")) as made:
        for name in ("ordinary.txt", "hostile.txt"):
            for line in (tables / name).read_text().splitlines():
                call = built_in("Shell", command=line)
                took.append(least_cost(lambda call=call: made.decide(call), tries=3))
    assert sorted(took)[len(took) * 99 // 100] < 0.005
