"""The picture of a bisection, and the folder of a reproducer: where they may be written."""

import pytest

from ml.bisection import Bisection, Stage
from ml.bisection_plot import check_plot_path, write_plot
from ml.errors import BadOption
from ml.floors import NO_CHOICE
from ml.passes import Score
from ml.reproducer import check_folder


def bisection(*local):
    """A bisection with these local scores."""
    stages = tuple(
        Stage(
            place=("ffn_up", layer),
            inherited=Score(largest=1e-3, median=1e-3, row=0, channel=1e-3),
            local=Score(largest=value, median=0, row=0, channel=0),
            limit_largest=1e-4,
            limit_median=1e-4,
            limit_channel=1e-4,
        )
        for layer, value in enumerate(local)
    )
    return Bisection(
        stages=stages, path_differences=(), choice=NO_CHOICE, default=1e-4, why_default="asked"
    )


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_same_bisection_gives_the_same_bytes(tmp_path, suffix):
    """No date, no random names, whatever was drawn before."""
    paths = [tmp_path / f"{name}.{suffix}" for name in "abc"]
    write_plot(paths[0], bisection(0, 0.3, 1e-6), "port against model")
    write_plot(paths[1], bisection(0, 1e-9), "port against model")
    write_plot(paths[2], bisection(0, 0.3, 1e-6), "port against model")
    first, other, again = (path.read_bytes() for path in paths)
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "local", [(0.0,), (float("inf"), 0.0), (0.3,) * 40, (0.0, 0.0, 0.0)],
    ids=["one stage", "infinite", "many", "nothing differs"],
)  # fmt: skip
def test_every_bisection_can_be_drawn(tmp_path, local):
    """One stage, none over its limit, distances without bound."""
    write_plot(tmp_path / "plot.svg", bisection(*local), "port against model")
    text = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert "NaN" not in text


def test_no_such_picture(tmp_path):
    """Another suffix, a folder that is not there, a folder in its place."""
    with pytest.raises(BadOption, match="no plot that can be made"):
        check_plot_path(tmp_path / "plot.jpg")
    with pytest.raises(BadOption, match="there is no folder"):
        check_plot_path(tmp_path / "none" / "plot.svg")
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(BadOption, match="cannot write"):
        write_plot(tmp_path / "taken.svg", bisection(0.3), "port against model")


def test_a_reproducer_takes_no_folder_that_holds_something(tmp_path):
    """A folder that is not empty, or a file: nothing of it is written over."""
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    for taken in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(BadOption, match="not an empty folder"):
            check_folder(taken)
