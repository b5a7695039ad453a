"""The curve of a training: measured held-out losses beside steps, and very many steps thinned."""

import pytest
from ledgers import new_ledger

from ledger.pictures.curve import PICTURE
from ledger.pictures.style import WIDTH, Palette


@pytest.fixture
def rows(tmp_path):
    """What the picture's queries say of a run of six steps with looks, one of them taken again."""
    with new_ledger(tmp_path / "lab") as ledger:
        with ledger.run("pretrain") as run:
            for step in range(6):
                run.step(loss=5.0 - step / 2)
            for step, value in ((0, 5.2), (3, 4.4), (3, 4.0), (6, 3.5)):
                run.measure("val_loss", value, "nats/token", {"step": step})
        return {name: asked(ledger, run.name, query) for name, query in PICTURE.queries.items()}


def asked(ledger, run, query):
    """The rows of one of the picture's queries."""
    parameters = {
        name: value.replace("{subject}", run) for name, value in query.items() if name != "query"
    }
    table = ledger.query(query["query"], **parameters)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def drawn(rows):
    """The picture, and what it says of itself."""
    return PICTURE.draw(rows, "pretrain-0001", Palette("light"))


def test_looks_are_part_of_the_curve(rows):
    """By the step they were taken after; of two at one step the latest."""
    said = drawn(rows).description
    assert "loss (training): 6 values, 5 at step 0, 2.5 at step 5" in said
    assert "val_loss (held-out): 3 values, 5.2 at step 0, 3.5 at step 6" in said


def test_very_many_steps_are_thinned(rows):
    """The highest and the lowest of each bucket stay, and so do the first and the last."""
    many = 50_000
    rows["steps"] = [
        {"step": n, "metric": "loss", "value": 9.0 if n == 31_337 else 1.0 + n / many}
        for n in range(many)
    ]
    rows["steps"][12_345]["value"] = 0.5
    figure = drawn(rows).figure
    line = next(line for line in figure.axes[-1].lines if len(line.get_xdata()) > 10)
    assert len(line.get_xdata()) <= 4 * WIDTH
    assert (min(line.get_ydata()), max(line.get_ydata())) == (0.5, 9.0)
    assert (min(line.get_xdata()), max(line.get_xdata())) == (0, many - 1)
