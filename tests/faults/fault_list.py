"""Every fault, by the model that it is put into."""

import fault_in_files as files
import fault_in_passes as passes
from fault_base import Fault
from fault_models import LOUD_LAYER


def eight(*, k: int, v: int, heads: int, up: int, block: int, row: int) -> tuple[Fault, ...]:
    """The eight of the table that was measured before this project began, in these layers."""
    return (
        passes.bias_dropped("k", k),
        passes.bias_dropped("v", v),
        files.theta(),
        files.heads_swapped(heads),
        files.rows_permuted(up),
        files.epsilon(),
        files.block_doubled(block),
        files.row_copied(row),
    )


#: The twelve that every port has had, and a dozen more.
SMALL: tuple[Fault, ...] = (
    files.tile_transposed(1),
    passes.token_off_by_one(),
    passes.wrong_groups(),
    passes.adjacent_pairs(),
    passes.stale_slot(2),
    files.gate_up_swapped(1),
    files.other_layer(3, source=1),
    files.nan_block(0),
    passes.head_order(1),
    passes.no_final_norm(),
    passes.product_in_half(LOUD_LAYER),
    passes.scaled_twice(),
    passes.positions_from_one(),
    passes.sees_ahead(),
    passes.window(),
    passes.half_cache(),
    passes.norm_plus_one(2),
    passes.residual_lost(2),
    passes.other_activation(),
    passes.last_row_lost(),
    passes.row_misread(1),
    passes.block_misread(3),
    files.bit_flipped(3),
    files.unused_row_copied(),
)

#: Both lists as far as they fit the third model, in the layers behind its massive activation.
LARGE: tuple[Fault, ...] = (
    *eight(k=3, v=2, heads=4, up=3, block=4, row=2),
    files.tile_transposed(1),
    passes.token_off_by_one(),
    passes.wrong_groups(),
    passes.adjacent_pairs(),
    passes.stale_slot(3),
    files.gate_up_swapped(2),
    files.other_layer(4, source=2),
    files.nan_block(3),
    passes.head_order(2),
    passes.no_final_norm(),
    passes.norm_in_half(2),
    passes.scaled_twice(),
    passes.window(),
    passes.residual_lost(2),
    passes.clipped(1),
)

#: The eight again, and three of the pass that are as small as what a type of few bits rounds away.
ROUNDED: tuple[Fault, ...] = (
    *eight(k=4, v=2, heads=5, up=3, block=6, row=4),
    passes.half_cache(),
    passes.row_misread(4),
    passes.block_misread(6),
)

#: By the name of the trial.
FAULTS = {
    "deep": eight(k=11, v=5, heads=17, up=9, block=20, row=14),
    "shallow": SMALL,
    "massive": LARGE,
    "rounded": ROUNDED,
    "coarse": ROUNDED,
}
