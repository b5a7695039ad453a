"""The human page of the quant types says what the tables say."""

from pathlib import Path

import numpy as np

from ml import quant_types
from ml.engines.dequantised import TINYGRAD_TYPES
from ml.engines.integer import ACTIVATION_TYPES
from ml.quant_types import DECODED, QUANT_TYPES

PAGE = Path(__file__).parents[3] / "spec" / "formats" / "quant_types.md"


def row(quant_type):
    """The cells of a type."""
    decoded = quant_type in DECODED
    return [
        f"`{quant_type.name}`",
        str(quant_type.id),
        str(quant_type.block_size),
        str(quant_type.block_bytes),
        "yes" if decoded else "",
        "tinygrad" if quant_type.name in TINYGRAD_TYPES else "table" if decoded else "",
        {"F32": "as it is"}.get(quant_type.name, ACTIVATION_TYPES.get(quant_type.name, "")),
    ]


def test_the_table_of_types():
    """One row a type, in the table's order, with all its columns."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert rows == [row(quant_type) for quant_type in QUANT_TYPES]


def test_the_example_decodes_as_it_says():
    """The bytes that the page opens with, and the numbers after them."""
    blocks = [part.split("```")[0] for part in PAGE.read_text(encoding="utf-8").split("```text\n")]
    data = np.frombuffer(bytes.fromhex(blocks[1]), dtype=np.uint8)
    numbers = np.array(blocks[2].split(), dtype=np.float32)
    q4_0 = next(t for t in QUANT_TYPES if t.name == "Q4_0")
    assert np.array_equal(quant_types.decode(q4_0, data, (32,), tensor="x"), numbers)
