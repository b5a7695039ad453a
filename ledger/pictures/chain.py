"""The chain of an investigation: claims as they were stated, and what became of each."""

from typing import Final

from ledger.pictures.base import Picture, Row, Rows, Sketch, plural
from ledger.pictures.boxes import Box, draw_boxes, lay_out
from ledger.pictures.paper import heading_height, new_figure, put_heading
from ledger.pictures.style import Palette

#: The colour of a fate: what stands, what fell, what another took the place of, what is open.
_ROLES: Final = {
    "SURVIVED": "good",
    "REFUTED": "bad",
    "ELIMINATED": "bad",
    "RETRACTED": "bad",
    "UNIT_ERROR": "bad",
    "SUPERSEDED": "gone",
    "STALE": "half",
    "UNKNOWN": "first",
    "open": "first",
}


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A chain needs a claim."""
    if rows["claims"]:
        return None
    return "no claim is on record" if subject is None else f"no claim is called {subject}"


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the chain, one box a claim."""
    claims = list(rows["claims"])
    title = "Claims and what became of them"
    below = "in the order in which they were stated" + (f": {subject}" if subject else "")
    boxes = [
        Box(
            key=at,
            heading=f"{claim['claim']}: {claim['fate']}",
            lines=_lines(claim),
            role=_ROLES.get(str(claim["fate"]), "other"),
            points_at=(at + 1,),
        )
        for at, claim in enumerate(claims)
    ]
    layout = lay_out(boxes)
    top = heading_height(title, below)
    figure = new_figure(top + layout.height, palette)
    put_heading(figure, palette, title, below)
    draw_boxes(figure, palette, layout, top)
    return Sketch(figure, title, _describe(claims))


def _lines(claim: Row) -> tuple[str, ...]:
    """What a box says: the claim, why it stands as it does, what it rests on, where it is."""
    said = [str(claim["text"])]
    if claim["reason"]:
        said.append(f"because: {claim['reason']}")
    if claim["premises"]:
        said.append("rests on " + ", ".join(claim["premises"]))
    where = f"position {claim['stated']}"
    if claim["position"] != claim["stated"]:
        where += f", fate at {claim['position']}"
    return (*said, where)


def _describe(claims: list[Row]) -> str:
    """Every claim with its fate, in order."""
    fates: dict[str, int] = {}
    for claim in claims:
        fates[str(claim["fate"])] = fates.get(str(claim["fate"]), 0) + 1
    counts = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
    each = "; ".join(f"{claim['claim']} {claim['fate']} ({claim['text']})" for claim in claims)
    return f"{plural(len(claims), 'claim')} in the order of statement: {counts}. {each}."


PICTURE: Final = Picture(
    name="chain",
    shows="The claims of an investigation in the order of their statement, each with its fate.",
    takes="claims",
    needs_subject=False,
    queries={"claims": {"query": "claim_chain", "claims": "{subject}"}},
    lacking=lacking,
    hint="`ledger query claims` lists them; --claims takes names with commas, * for any letters",
    draw=draw,
)
