"""docs/protocol.md has every route of REST with the fields of its body, and no other."""

import re
from typing import Any, get_args

import pytest
from fastapi.routing import APIRoute

from maestro.edge import branches, sessions
from maestro.edge.sessions import EVENTS_PER_PAGE
from tests.architecture.sources import ROOT

_PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
_ROWS = dict(re.findall(r"^\| `([A-Z]+ /\S+)` \| (.*) \|$", _PAGE, re.MULTILINE))
ROUTES = {
    f"{method} {route.path.removeprefix('/api/v1')}": route
    for route in (*sessions.router.routes, *branches.router.routes)
    if isinstance(route, APIRoute)
    for method in route.methods or ()
}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(_ROWS) == {*ROUTES, "GET /status", "GET /openapi.json"}
    assert f"(at most {EVENTS_PER_PAGE})" in _ROWS["GET /sessions/{session_id}"]


@pytest.mark.parametrize("route", [name for name in ROUTES if name.startswith("POST")])
def test_every_field_of_a_body_is_in_its_row(route: str) -> None:
    (body,) = re.findall(r"`\{(.+?)\}`", _ROWS[route])
    field: Any = ROUTES[route].body_field
    kind = field.field_info.annotation
    models = [each for each in (kind, *get_args(kind)) if hasattr(each, "model_fields")]
    fields = {name for model in models for name in model.model_fields}

    assert set(re.findall(r'"(\w+)"', body)) == fields
