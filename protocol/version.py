"""The number of the wire contract and the limits that hold until a peer states others.

Constants only; who enforces them is the codec's and the connection's business.
"""

from typing import Final

RELEASE: Final = "0.1.0"
"""The release of this distribution, as pyproject.toml states it."""

PROTOCOL_VERSION: Final = 1
"""Stated in the handshake (absent means 1) and answered in `session_started`."""

MAX_FRAME_TO_MAESTRO: Final = 4 * 1024 * 1024
"""Encoded bytes of one frame from an executor, unless `session_started.limits` says otherwise."""

MAX_FRAME_TO_EXECUTOR: Final = 1024 * 1024
"""Encoded bytes of one frame to an executor, unless `handshake.limits` says otherwise."""

MAX_RESULT_BYTES: Final = 1024 * 1024
"""UTF-8 bytes of one `tool_result.result`."""

MIN_FRAME_BYTES: Final = 16 * 1024
"""The least that a peer may state as its `max_frame_bytes`."""

MAX_ID_CHARS: Final = 200
"""Characters of an envelope's `id`."""

MAX_VIOLATIONS: Final = 100
"""Frames of one connection that may be refused before it is closed (close code 4029)."""

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 262_144
MAX_INTEGER_DIGITS: Final = 20
"""What one frame may hold: nesting, JSON values, digits of an integer."""

HANDSHAKE_SECONDS: Final = 10.0
PING_SECONDS: Final = 15.0
SILENT_SECONDS: Final = 40.0
"""A peer that sent nothing, pongs included, for this long is dead (close code 4008)."""

BOOTSTRAP_GENERATION: Final = "bootstrap"
"""The `generation_id` of the calls that gather context before the first generation."""

DEFAULT_TOOL_SECONDS: Final = 120.0
MAX_TOOL_SECONDS: Final = 1800.0
"""How long an executor lets a call run, counted from `started`."""
