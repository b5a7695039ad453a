"""Drafts: events that somebody wants recorded, checked and framed before the lock is taken."""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import msgspec

from ledger import ids
from ledger.entry import Entry, Frame, frame_of
from ledger.errors import Malformed
from ledger.events.base import Event, Kind
from ledger.events.form import check_event

MAX_BATCH: Final = 10_000
#: Frames kept for the streams that are written to.
_FRAMES: Final = 64
_HINT: Final = "mend what the reasons name"


@attrs.frozen(slots=True, kw_only=True)
class Draft:
    """An event to be recorded, with what the entry says around it."""

    event: Event
    cites: tuple[str, ...] = ()
    stream: str | None = None
    branch: str | None = None


class Sound(msgspec.Struct, frozen=True):
    """A draft whose form is sound, with its frame and the canonical bytes of its body."""

    draft: Draft
    frame: Frame
    body: bytes


class Framer:
    """Checks drafts for one ledger and keeps the frames of the streams they go to."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._frames: dict[tuple[object, ...], Frame] = {}

    def frame(
        self, kind: Kind, stream: str, actor: str, branch: str | None, cites: Sequence[str] = ()
    ) -> Frame:
        """What the entries of one kind in one stream have in common."""
        key = (kind.name, stream, actor, branch, tuple(cites))
        frame = self._frames.get(key)  # other threads may clear it meanwhile
        if frame is None:
            if len(self._frames) >= _FRAMES:
                self._frames.clear()
            frame = self._frames[key] = frame_of(
                Entry(
                    actor=actor,
                    body={},
                    branch=branch,
                    cites=tuple(cites),
                    kind=kind.name,
                    origin=self._origin,
                    recorded_at=0,
                    schema_version=kind.version,
                    stream=stream,
                    stream_version=0,
                )
            )
        return frame

    def check_all(self, drafts: Sequence[Draft], actor: str) -> list[Sound]:
        """Check the form of everything. Raises `Malformed` with all problems."""
        reasons: list[str] = []
        sound = []
        if not ids.is_known_actor(actor):
            reasons.append(f"actor: {actor!r} is not human:NAME, agent:NAME or executor:NAME")
        if len(drafts) > MAX_BATCH:
            reasons.append(f"{len(drafts)} events at once; {MAX_BATCH} are allowed")
        for number, draft in enumerate(drafts, 1):
            where = f"event {number}: " if len(drafts) > 1 else ""
            try:
                sound.append(self.check(draft, actor))
            except Malformed as error:
                reasons += [where + reason for reason in error.reasons]
        if reasons:
            raise Malformed("nothing was recorded", reasons=reasons, hint=_HINT)
        return sound

    def check(self, draft: Draft, actor: str) -> Sound:
        """Check the form of one draft. Raises `Malformed` with all problems."""
        reasons: list[str] = []
        body = b""
        try:
            body = check_event(draft.event)
        except Malformed as error:
            reasons += error.reasons
        reasons += _frame_problems(draft, actor)
        if reasons or not ids.is_known_actor(actor):
            raise Malformed("nothing was recorded", reasons=reasons, hint=_HINT)
        kind = draft.event.KIND
        stream = draft.stream or kind.stream_of(draft.event) or "import/recorded"
        return Sound(draft, self.frame(kind, stream, actor, draft.branch, draft.cites), body)


def _frame_problems(draft: Draft, actor: str) -> Iterator[str]:
    kind = draft.event.KIND
    own = kind.stream_of(draft.event)
    if own is not None and draft.stream not in (None, own):
        yield f"stream: {kind.name} belongs to {own}, not {draft.stream}"
    if own is None and draft.stream is not None and not draft.stream.startswith("import/"):
        yield f"stream: {kind.name} belongs to an import/NAME stream, not {draft.stream}"
    stream = draft.stream or own
    if stream is not None and not ids.is_known_stream(stream):
        yield f"stream: {stream!r} is no stream"
    if draft.branch is not None and not ids.is_branch(draft.branch):
        yield f"branch: {draft.branch!r} cannot name a branch"
    for cited in draft.cites:
        if not ids.is_hash(cited):
            yield f"cites: {cited!r} is not an entry hash"
    claims_measured = getattr(draft.event, "provenance", None) in ("measured", "derived")
    if claims_measured and not actor.startswith("executor:"):
        yield f"provenance: {actor} is no executor; record a number of yours as asserted"
