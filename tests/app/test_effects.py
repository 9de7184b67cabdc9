"""Effects."""

from __future__ import annotations

from tests.app.conftest import OpenPage, sound


def test_opens(open_page: OpenPage):
    test = open_page("effects")
    print(sound(test))
    test = open_page("effects", of="STAT1", c_cell_type="B cells")
    print(sound(test))
