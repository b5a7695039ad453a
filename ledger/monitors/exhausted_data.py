"""More tokens read than the corpus has, by a run that does not say that it begins it again."""

from collections.abc import Iterable
from typing import Final

from ledger.monitors.base import Mark, Monitor, RunView
from ledger.monitors.progress import first_beyond, tokens_after, tokens_done

#: Counts of tokens are exact; corpora are also stated rounded, in three digits or more, and a pass
#: may leave out a tail that fills no batch.
TOLERANCE: Final = 0.01


def check(view: RunView) -> Iterable[Mark]:
    """Tokens read against tokens there are. `wrap` true means that beginning again was meant."""
    corpus, done = view.number("corpus_tokens"), tokens_done(view)
    wrap = view.settings.get("wrap")
    if not corpus or done is None or wrap is True or done[1] <= corpus * (1 + TOLERANCE):
        return
    if wrap is None and _epochs_are_passes(view, corpus):
        return
    first = first_beyond(view, corpus)
    # Where the authors say that there is no second reading, the rest of the run had no data.
    yield Mark(
        monitor=MONITOR.name,
        mark="INVALID" if wrap is False else "SUSPECT",
        why=f"{done[1]:.0f} tokens were read of a corpus of {corpus:.0f}, "
        f"{done[1] / corpus:.3g} times as many as there are",
        events=tuple(dict.fromkeys((view.position, first or done[0], done[0]))),
        numbers={"tokens_read": done[1], "corpus_tokens": corpus, "times": done[1] / corpus},
    )


def _epochs_are_passes(view: RunView, corpus: float) -> bool:
    """Whether one epoch reads the corpus once: then more epochs read it again, as usual."""
    first = tokens_after(view)[:1]
    return any(abs(tokens - corpus) <= TOLERANCE * corpus for _, tokens in first)


MONITOR: Final = Monitor(
    name="exhausted-data",
    sees="More tokens read than the corpus has, and nothing says that it is begun again.",
    mark="INVALID",
    check=check,
)
