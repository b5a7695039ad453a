"""`attempts`: how many measurements could have decided a verdict, up to the one that did."""

from ledger.projections.base import View

ATTEMPTS = View(
    name="attempts",
    columns=(
        ("verdict", "varchar", "entry hash of a verdict of this ledger"),
        ("attempts", "bigint", "matching measurements up to its evidence"),
    ),
    select="""
        select s.hash, count(*)
        from statuses s
        join criteria c on c.name = s.name and not c.reported
        join measurements e on e.hash = s.evidence
        join measurements m on m.metric = c.metric and m.unit is not distinct from c.unit
            and json_contains(m.key, c.binding) and m.position <= e.position
        where not s.reported
        group by s.hash
    """,
)
