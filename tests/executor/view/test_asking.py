"""What a question offers, and which key answers what; the drawing is tested on a terminal."""

import pytest

from executor.view.asking import Asking
from executor.view.keys import Typed
from executor.view.look import Look
from executor.view.port import Answer, Approved, Question


def _asked(*, lasting: bool) -> Asking:
    question = Question("t", "Shell", "Shell x", "why", "x", 'exactly "x"', lasting=lasting)
    asking = Asking(question, Look(), 100)
    asking.armed = True
    asking.page(50)
    return asking


@pytest.mark.parametrize(("lasting", "answer"), [(True, Approved("always")), (False, None)])
def test_always_is_an_answer_only_where_it_is_offered(
    *, lasting: bool, answer: Answer | None
) -> None:
    asking = _asked(lasting=lasting)
    assert ("always, in every project" in "".join(asking.rows(200))) is lasting
    assert asking.press(Typed("a")) == answer


def test_what_was_allowed_always_says_so() -> None:
    told = _asked(lasting=True).verdict(Approved("always"), 100)
    assert 'allowed always, in every project: exactly "x"' in told
