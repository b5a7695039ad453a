"""What a proof format is: bytes that show someone without the ledger that an entry is in it."""

from collections.abc import Sequence
from typing import Protocol


class ProofFormat(Protocol):
    """Contract of a member: pure functions over hashes, no disk, no keys.

    Leaf hashes are the 32 raw bytes of entry hashes, in the order of positions.
    """

    name: str

    def prove(self, leaf_hashes: Sequence[bytes], position: int) -> bytes:
        """Return the proof that the leaf at `position` is in the tree of all of them."""

    def verify(self, proof: bytes, leaf_hash: bytes, root_hash: bytes, tree_size: int) -> None:
        """Raise `IntegrityError` unless the proof shows the leaf in the tree with this root."""
