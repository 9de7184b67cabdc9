"""A badge as every page shows one."""

from typing import Any, NamedTuple


class Badge(NamedTuple):
    """Words, an icon and a colour: never a colour alone."""

    words: str
    icon: str
    colour: Any
