"""Parity with another program: its logits of the last token of a prompt, against ours.

The file is what the other program wrote: `.npy`, or bare little-endian float32 (as llama.cpp's
`--save-logits` and our vectors have it), one number for each id.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ml.containers.base import map_file
from ml.errors import MalformedFile
from ml.prompts import check_ids
from ml.quality.gates.base import Gate, Measured, NotRun, Subject
from ml.quality.gates.format_parity import cosines
from ml.quality.likelihood import likeliest
from ml.quality.settings import open_scorer

#: The seeds' threshold for a packed model against its source (AC-SHIP1-003).
COSINE: Final = 0.999
_NPY: Final = b"\x93NUMPY"


def read_logits(path: Path, vocabulary: int) -> NDArray[np.float32]:
    """Return `float32 [vocabulary]`; raise `FileUnreadable` or `MalformedFile`."""
    data = map_file(path)
    begin = 0
    if data[: len(_NPY)] == _NPY:
        try:
            with path.open("rb") as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0(file)
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0(file)
                )
                begin = file.tell()
        except (ValueError, EOFError, SyntaxError, TypeError) as error:
            raise _malformed(path, 0, f"is no .npy file: {error}") from None
        if header[2] != np.dtype("<f4"):
            raise _malformed(path, 0, f"holds {header[2]}, not float32")
    if len(data) - begin != 4 * vocabulary:
        raise _malformed(
            path, begin, f"has {len(data) - begin} bytes of logits, and {vocabulary} ids need "
            f"{4 * vocabulary}",
        )  # fmt: skip
    return np.frombuffer(data, "<f4", vocabulary, begin).copy()


def _malformed(path: Path, offset: int, message: str) -> MalformedFile:
    return MalformedFile(
        message, path=path, offset=offset, hint="write the last token's logits as float32"
    )


def _measure(subject: Subject) -> Measured:
    if subject.peer_logits is None:
        raise NotRun("no logits of another program were given (--peer-logits and --peer-ids)")
    theirs = read_logits(subject.peer_logits, subject.model.config.vocabulary)[None]
    ids = check_ids(subject.peer_ids, subject.model.config)
    scorer = open_scorer(subject.path, subject.settings).scorer
    scorer.read(ids)
    ours = scorer.logits(len(ids) - 1, len(ids))
    (cosine,) = cosines(ours, theirs)
    ours_first, theirs_first = int(likeliest(ours)[0]), int(likeliest(theirs)[0])
    margin = float(ours[0, ours_first] - ours[0, theirs_first])
    is_near_tie = margin <= 2 * float(np.abs(ours - theirs).max()) and cosine >= COSINE
    if ours_first != theirs_first and not is_near_tie:
        return Measured(
            value=math.nan,
            reason=f"the likeliest token is {ours_first}, and {theirs_first} there: decided",
        )
    said = "the same" if ours_first == theirs_first else "another, at a near tie"
    return Measured(value=float(cosine), reason=f"the likeliest token is {said}", n=1)


PROGRAM_PARITY: Final = Gate(
    name="program-parity",
    metric="qa_peer_cosine",
    unit="ratio",
    operator="at least",
    threshold=lambda _subject: COSINE,
    measure=_measure,
)
