"""A redactor that knows two values, and texts of which some hold secrets."""

from hypothesis import strategies as st

from executor.redaction import Known, Redactor
from tests.executor.redaction.samples import HARMLESS, KEY_BLOCK, SECRETS

KEY = bytes(32)
KNOWN = (Known("DEPLOY_TOKEN", "quiet-river-stone"), Known("PIN", "multi word\nsecret"))


def redactor() -> Redactor:
    return Redactor(lambda: KNOWN, key=KEY)


pieces = st.one_of(
    st.text(max_size=20),
    st.sampled_from([around.format(secret) for around, secret in SECRETS.values()]),
    st.sampled_from([*HARMLESS, KEY_BLOCK, *(one.value for one in KNOWN)]),
    st.sampled_from(["«", "»", "«secret:", "«secret:A:0123456789ab»", ":0123456789ab»", "\n", " "]),
)
texts = st.lists(pieces, max_size=12).map("".join)
