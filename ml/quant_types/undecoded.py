"""Types whose extent in a file is known and checked, and whose numbers are not read yet.

Giving one a decoder means a file of its own and its row moved from here to there.
"""

from ml.quant_types.base import QuantType

# (name, id, block size, block bytes), from ggml's type table. Q8_1 and Q8_K are missing on purpose:
# they hold activations in memory and never stand in a file.
_EXTENTS = (
    ("IQ2_XXS", 16, 256, 66),
    ("IQ2_XS", 17, 256, 74),
    ("IQ3_XXS", 18, 256, 98),
    ("IQ1_S", 19, 256, 50),
    ("IQ3_S", 21, 256, 110),
    ("IQ2_S", 22, 256, 82),
    ("I8", 24, 1, 1),
    ("I16", 25, 1, 2),
    ("I32", 26, 1, 4),
    ("I64", 27, 1, 8),
    ("F64", 28, 1, 8),
    ("IQ1_M", 29, 256, 56),
    ("TQ1_0", 34, 256, 54),
    ("TQ2_0", 35, 256, 66),
)

UNDECODED = tuple(
    QuantType(name=name, id=number, block_size=size, block_bytes=size_bytes)
    for name, number, size, size_bytes in _EXTENTS
)
