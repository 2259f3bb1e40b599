"""The behaviours that the wire must show, on both of its ends."""

from tests.requirement import DESIGN, PROTOCOL, USER, Requirement

OF_THE_WIRE: tuple[Requirement, ...] = (
    Requirement("R-WIRE-1", USER, "The user's own handshake frame is answered by session_started."),
    Requirement(
        "R-WIRE-2",
        USER,
        "The user's own tool_result frame answers a call and reaches the model.",
    ),
    Requirement(
        "R-WIRE-3",
        USER,
        "After the bootstrap the loop of generations and calls goes on until run_finished.",
    ),
    Requirement(
        "R-WIRE-4",
        PROTOCOL,
        "The bootstrap asks its four calls in order, and only those that the executor knows.",
    ),
    Requirement(
        "R-WIRE-5",
        DESIGN,
        "The spec and the bootstrap's results are one user message before the prompt.",
    ),
    Requirement(
        "R-WIRE-6",
        USER,
        "The model's text reaches the executor as deltas of its generation, then whole.",
    ),
    Requirement(
        "R-WIRE-7",
        USER,
        "A custom tool of the handshake is offered to the model as it was declared.",
    ),
    Requirement(
        "R-WIRE-8",
        PROTOCOL,
        "The arguments of a custom tool are checked against its schema before it is called.",
    ),
    Requirement(
        "R-WIRE-9",
        PROTOCOL,
        "A result of a call that was never issued is unknown_call and changes nothing.",
    ),
    Requirement(
        "R-WIRE-10",
        PROTOCOL,
        "A malformed frame is answered with its field, and the connection lives on.",
    ),
    Requirement(
        "R-WIRE-11",
        PROTOCOL,
        "A user_message after a run opens the next one on the same socket.",
    ),
    Requirement(
        "R-WIRE-12",
        USER,
        "An executor that knows only handshake, run_tool and tool_result works to the end.",
    ),
    Requirement(
        "R-WIRE-13",
        USER,
        "The frames of the fixed contract have exactly their fixed fields.",
    ),
    Requirement("R-WIRE-14", PROTOCOL, "The committed JSON Schema is the one of the messages."),
    Requirement("R-WIRE-15", PROTOCOL, "docs/protocol.md shows every frame and every field."),
    Requirement(
        "R-WIRE-16",
        PROTOCOL,
        "A durable frame that was seen is dropped, a run_tool never is.",
    ),
    Requirement("R-WIRE-17", PROTOCOL, "Deltas of an older generation are dropped."),
    Requirement(
        "R-WIRE-18",
        PROTOCOL,
        "Frames above a limit are never sent, and end the connection where they arrive.",
    ),
    Requirement("R-WIRE-19", PROTOCOL, "A handshake of another version is refused by that name."),
)
