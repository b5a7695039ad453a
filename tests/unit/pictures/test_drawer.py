"""The process that draws the pictures of documents."""

import os
import signal

import pytest

from ledger.errors import StoreFailed
from ledger.pictures import find_picture
from ledger.pictures.drawing import draw_svg
from ledger.pictures.process import Drawer

ROWS = {
    "steps": [
        {"run": "r", "step": n, "metric": "loss", "value": 3 - n / 2, "position": n}
        for n in range(3)
    ],
    "epochs": [],
    "baselines": [],
}


@pytest.fixture
def drawer():
    """A drawer, ended after the test."""
    made = Drawer()
    yield made
    made.stop()


def test_it_draws_what_this_process_draws(drawer):
    """The same bytes as without a process of its own, one after the other."""
    drawer.start()
    expected = draw_svg(find_picture("curve"), "r", ROWS, is_page=True)
    assert [drawer.draw("curve", "r", ROWS) for _ in range(2)] == [expected] * 2


def test_what_goes_wrong_is_said_and_the_next_picture_is_drawn(drawer):
    """Rows that are no curve, and a process that was killed, are errors; then it goes on."""
    with pytest.raises(StoreFailed, match="KeyError: 'steps'"):
        drawer.draw("curve", "r", {})
    assert drawer.draw("curve", "r", ROWS).endswith("</svg>\n")
    os.kill(drawer.child.pid, signal.SIGKILL)
    drawer.child.wait()
    with pytest.raises(StoreFailed, match="its process ended"):
        drawer.draw("curve", "r", ROWS)
    assert drawer.draw("curve", "r", ROWS).endswith("</svg>\n")


def test_an_interrupt_is_for_the_parent(drawer):
    """Ctrl-C reaches the whole group; the child goes on until it is ended."""
    drawer.draw("curve", "r", ROWS)
    os.kill(drawer.child.pid, signal.SIGINT)
    assert drawer.draw("curve", "r", ROWS).endswith("</svg>\n")
