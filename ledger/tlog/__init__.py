"""Transparency: proofs that hold against the owner of the ledger. The room is laid out, and empty.

The journal's chain says that nothing in the middle was changed; it says nothing about its end, and
its owner can compute it anew. What belongs here closes that: the RFC 9162 tree over the entry
hashes (they are its leaf hashes already), signed C2SP checkpoints, and proof files that verify
without a ledger. Until a member is listed, no command claims any of it.
"""

from typing import Final

from ledger.tlog.base import ProofFormat

PROOF_FORMATS: Final[tuple[ProofFormat, ...]] = ()

__all__ = ["PROOF_FORMATS", "ProofFormat"]
