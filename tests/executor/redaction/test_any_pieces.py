"""Secrets of every known form in a live stream that is cut anywhere: none is ever shown."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from executor.redaction import Known, RedactedStream, Redactor
from tests.examples import examples
from tests.executor.redaction.samples import HARMLESS, KEY_BLOCK, KEY_LINE, SECRETS
from tests.requirements import covers

KNOWN = (Known("DEPLOY_TOKEN", "quiet-river-stone"), Known("PIN", "multi word\nsecret"))
# A certificate of the samples has a line of their key, which no real one has.
HARMLESS_LINES = [text for text in HARMLESS if KEY_LINE not in text]
NOISE = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=30),
    st.sampled_from(
        [*HARMLESS_LINES, "", "\r 10 %\r", "$ make", "\x1b[31mred\x1b[0m", "a" * 5000, "=" * 80]
    ),
    st.sampled_from(["token", "password is", "«secret:", "»", "-----BEGIN", "authorization:"]),
)
LINES = st.lists(
    st.one_of(
        NOISE.map(lambda text: (text, "")),
        st.sampled_from(list(SECRETS.values())).map(lambda one: (one[0].format(one[1]), one[1])),
        st.sampled_from(KNOWN).map(lambda one: (f"it is {one.value} there", one.value)),
        st.just((KEY_BLOCK, KEY_LINE)),
    ),
    min_size=1,
    max_size=8,
)


@covers("R-SECRET-1")
@settings(max_examples=examples(300))
@given(lines=LINES, ending=st.sampled_from(["\n", "\r\n"]), cuts=st.lists(st.floats(0, 1)))
def test_no_secret_is_shown_wherever_a_stream_is_cut(
    lines: list[tuple[str, str]], ending: str, cuts: list[float]
) -> None:
    text = ending.join(line for line, _ in lines) + ending
    ends = [0, *sorted(int(cut * len(text)) for cut in cuts), len(text)]
    redactor = Redactor(lambda: KNOWN, key=bytes(32))
    stream = RedactedStream(redactor)

    pieces = [stream.feed(text[a:b]) for a, b in itertools.pairwise(ends)]
    shown = "".join(pieces) + stream.close()

    assert [secret for _, secret in lines if secret and secret in shown] == []
    assert redactor.put_back(shown) == text
