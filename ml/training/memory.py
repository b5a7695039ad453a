"""How much memory tinygrad holds on its devices."""

from tinygrad.helpers import GlobalCounters


def used_bytes() -> int:
    """Return the bytes of all buffers that are allocated now, on every device together."""
    return int(GlobalCounters.mem_used)
