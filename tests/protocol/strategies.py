"""Hypothesis strategies for every message, made from the structs themselves.

A field added to a message is covered by that alone.
"""

from typing import Any

import msgspec
import msgspec.inspect as shape
from hypothesis import strategies as st

from protocol.wire import Frame, FrameMetadata

_ANY_TEXT = st.text(st.characters(), max_size=40)  # lone surrogates among them
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**19), 10**19) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def text(*, surrogates: bool = False) -> st.SearchStrategy[str]:
    """Strings as they may stand in a frame; with `surrogates`, as a file name may give them."""
    return _ANY_TEXT if surrogates else st.text(max_size=40)


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.text(max_size=8), _JSON, max_size=4)


def messages(kind: type[Any], strings: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Messages of one type, every field of it drawn."""
    return _values(msgspec.inspect.type_info(kind), strings)


def frames(kind: type[Any], strings: st.SearchStrategy[str]) -> st.SearchStrategy[Frame[Any]]:
    return st.builds(
        Frame,
        messages(kind, strings),
        id=st.none() | st.text(min_size=1, max_size=20),
        seq=st.none() | st.integers(1, 2**63 - 1),
        timestamp=st.none() | strings,
        metadata=st.none() | st.builds(FrameMetadata, st.none() | strings),
    )


def _values(kind: shape.Type, strings: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    match kind:
        case shape.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: _values(field.type, strings) for field in fields})
        case shape.UnionType(types=types):
            return st.one_of([_values(member, strings) for member in types])
        case shape.VarTupleType(item_type=item):
            return st.lists(_values(item, strings), max_size=3).map(tuple)
        case shape.LiteralType(values=values):
            return st.sampled_from(values)
        case shape.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case shape.IntType(ge=least):
            return st.integers(-(10**9) if least is None else least, 2**63 - 1)
        case shape.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case shape.BoolType():
            return st.booleans()
        case shape.NoneType():
            return st.none()
        case shape.DictType():
            return json_objects()
        case shape.StrType():
            return strings
        case _:
            raise AssertionError(kind)
