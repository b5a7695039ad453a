"""Where things lie in the file: alignment, padding, checksums.

Bounds, overlaps, sizes and names that stand twice are checked when a file is opened: one that
fails there is refused as malformed, with the byte, before any check runs.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ml.containers import apr_layout
from ml.containers.apr import AprFile, check_footer
from ml.containers.gguf import GgufFile
from ml.validation.base import Examined, Finding, NotApplicable


def tensors(examined: Examined) -> Iterator[Finding]:
    """There is a tensor at all."""
    if not examined.container.tensors:
        yield Finding(detail="the file has no tensor")


def checksum(examined: Examined) -> Iterator[Finding]:
    """The checksums that the format has: APR's header and footer."""
    file = examined.container
    if not isinstance(file, AprFile):
        raise NotApplicable("the format has no checksum")
    check_footer(file.path, file.data)
    yield from ()


def alignment(examined: Examined) -> Iterator[Finding]:
    """Every tensor begins at a multiple of what the format says."""
    file = examined.container
    if not isinstance(file, AprFile):
        if not isinstance(file, GgufFile):
            raise NotApplicable("the format asks for none")
        return  # refused on opening
    for tensor in file.tensors.values():
        if tensor.offset % apr_layout.ALIGNMENT:
            yield Finding(detail="not at a multiple of 64", where=tensor.name, offset=tensor.offset)


def padding(examined: Examined) -> Iterator[Finding]:
    """What lies between header, index and tensors, and behind the last, is zero."""
    file = examined.container
    if isinstance(file, AprFile):
        header = file.header
        edges = [
            (44, apr_layout.HEADER_SIZE),
            (header.metadata_offset + header.metadata_size, header.index_offset),
            (file.index_end, header.data_offset),
        ]
        first, last = header.data_offset, file.size_bytes - apr_layout.FOOTER_SIZE
    elif isinstance(file, GgufFile):
        edges, first, last = [], file.header_end, file.size_bytes
    else:
        raise NotApplicable("the format has none: tensors cover the data")
    ordered = sorted(file.tensors.values(), key=lambda tensor: tensor.offset)
    spans = [(first, first), *((one.offset, one.offset + one.size_bytes) for one in ordered)]
    edges += [(end, start) for (_, end), (start, _) in pairwise([*spans, (last, last)])]
    for start, end in edges:
        gap = np.frombuffer(file.data, np.uint8, max(end - start, 0), start)
        if gap.any():
            at = start + int(np.argmax(gap != 0))
            yield Finding(detail=f"padding of {len(gap)} bytes is not zero", offset=at)


def agreement(examined: Examined) -> Iterator[Finding]:
    """APR's own keys say what the GGUF pairs say that the file carries."""
    file = examined.container
    if not isinstance(file, AprFile) or not file.metadata.carried:
        raise NotApplicable("the file says things once")
    architecture = str(file.metadata.get("general.architecture", ""))
    from ml.containers.apr_metadata import ROWS

    for key, (ours, kind) in ROWS.items():
        name = ours.format(architecture)
        if key not in file.document or name not in file.metadata.carried:
            continue
        stated, carried = file.document[key], file.metadata[name]
        if kind == "f32" and isinstance(stated, int | float) and isinstance(carried, float):
            stated = float(np.float32(stated))
        if stated is not None and stated != carried:
            said = f"{str(stated)[:80]}, and {name} says {str(carried)[:80]}"
            yield Finding(detail=said, where=key)
