"""`attempts`: how many measurements could have decided a verdict, up to the one that did."""

from ledger.projections.base import View

ATTEMPTS = View(
    name="attempts",
    columns=(
        ("verdict", "varchar", "entry hash of a verdict of this ledger"),
        ("attempts", "bigint", "matching measurements up to its evidence"),
    ),
    # Criteria that ask for the same are answered together: most of the work is to look into keys.
    select="""
        with asked as (
            select distinct metric, unit, binding from criteria where not reported
        ),
        matching as (
            select a.metric, a.unit, a.binding, m.position
            from asked a join measurements m on m.metric = a.metric
                and m.unit is not distinct from a.unit and json_contains(m.key, a.binding)
            where not exists (from off_main o where m.position between o.first and o.last)
        )
        select s.hash, count(*)
        from statuses s
        join criteria c on c.hash = s.declaration
        join measurements e on e.hash = s.evidence
        join matching m on m.metric = c.metric and m.unit is not distinct from c.unit
            and m.binding = c.binding and m.position <= e.position
        where not s.reported
        group by s.hash
    """,
)
