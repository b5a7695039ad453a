"""A section or a version of the specification that was registered more than once."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from ledger.replay.base import Examined, Examiner, Statement
from ledger.replay.history import History

#: What must be unique: what it is called → the field of the registration.
UNIQUE: Final = (("section", "subject"), ("version", "to_version"))


def examine(history: History) -> Iterable[Examined]:
    """Registrations by section, then by version."""
    for what, field in UNIQUE:
        claims: dict[str, list[Statement]] = defaultdict(list)
        for said in history.of("section.reported"):
            name = said.name(field)
            if name is not None:
                claims[name].append(said)
        for name, found in claims.items():
            if len(found) > 1:
                by = ", ".join(dict.fromkeys(said.subject for said in found))
                yield Examined(
                    rule=EXAMINER.rule,
                    severity="fault",
                    subject=name,
                    events=tuple(said.position for said in found),
                    numbers={"what": what, "claims": len(found)},
                    message=f"{what} {name} was registered {len(found)} times, by {by}",
                )


EXAMINER: Final = Examiner(
    rule="number-claimed-twice",
    finds="A section or version number that was registered more than once.",
    examine=examine,
)
