"""Which images of a conversation go into a request, and how each stands there.

Whether the model sees at all is the provider table's word. Looks at no pixel.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from protocol.wire import Content, ImageContent

IMAGES_MAX = 40
CHARACTERS_MAX = 20_000_000
"""Of Base64, in the tool results of one request: providers refuse bodies above 20 to 50 MB."""

_KINDS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What every provider that sees takes; it refuses the whole request for another."""


class Shown:
    """How much of the room for images is taken; counts from the front of a conversation."""

    def __init__(self) -> None:
        self._images = 0
        self._characters = 0

    def takes(self, image: ImageContent) -> bool:
        """Whether there is room for `image`, which is then taken."""
        size = len(image.data)
        if self._images == IMAGES_MAX or self._characters + size > CHARACTERS_MAX:
            return False
        self._images += 1
        self._characters += size
        return True


def images_in(attachments: Sequence[Content]) -> list[ImageContent]:
    """The images among `attachments` that providers take."""
    return [
        part for part in attachments if isinstance(part, ImageContent) and part.media_type in _KINDS
    ]


def image_parts(images: Sequence[ImageContent], shown: Shown) -> Iterator[dict[str, Any]]:
    """Each image as a part of a message; a text at the end for those that find no room."""
    left_out = 0
    for image in images:
        if shown.takes(image):
            url = f"data:{image.media_type};base64,{image.data}"
            yield {"type": "image_url", "image_url": {"url": url}}
        else:
            left_out += 1
    if left_out:
        words = f"[{left_out} more not shown: this conversation has shown too many images already]"
        yield {"type": "text", "text": words}


def unseen(attachments: Sequence[Content], *, sees: bool) -> list[str]:
    """What to tell of the images that are not passed on; empty where all are."""
    images = sum(isinstance(part, ImageContent) for part in attachments)
    if images and not sees:
        return [f"[{images} image(s) not shown: this model sees none]"]
    strange = images - len(images_in(attachments))
    return [f"[{strange} image(s) not shown: of a kind that no model takes]"] if strange else []
