"""`row_periods`: from where to where each row of the board stood in a status, on the main line."""

from ledger.projections.base import View

ROW_PERIODS = View(
    name="row_periods",
    columns=(
        ("row", "varchar", "the row"),
        ("reported", "boolean", "whether others declared it"),
        ("status", "varchar", "the status; unbound where no verdict was given"),
        ("position", "ubigint", "where it began"),
        ("beyond", "ubigint", "where the next one began; null for the last"),
    ),
    select="""
        with names as (
            select name, reported, arg_max(row, position) as row, min(position) as first
            from row_names n
            where not exists (from off_main o where n.position between o.first and o.last)
            group by name, reported
        ),
        declared as (select row, reported, min(first) as first from names group by row, reported),
        given as (
            select coalesce(n.row, s.name) as row, s.reported, s.status, s.position as stated,
                   greatest(s.position, d.first) as position
            from statuses s left join names n on n.name = s.name and n.reported = s.reported
                left join declared d on d.row = n.row and d.reported = n.reported
            where s.about is distinct from 'claim' and not s.post_hoc
              and not exists (from off_main o where s.position between o.first and o.last)
              and (n.row is not null
                   or (s.reported and regexp_matches(s.name, '^([^:]*:)?UNIDENTIFIED-ROW-')))
        )
        select row, reported, status, position,
               lead(position) over (
                   partition by row, reported order by position, stated nulls first
               )
        from (
            select row, reported, status, position, stated from given
            union all
            select row, reported, 'unbound', first, null from declared
        )
    """,
)
