"""Who is told how far a long work is."""

from collections.abc import Callable

# Steps done, steps planned (0: not known), a few words; of a download they are bytes.
Progress = Callable[[int, int, str], None]
