-- The board as it stood at evenly spaced positions: how many rows were in each status, main line.
-- param points integer: at how many positions; 20 where left out
-- param reported yesno: yes for rows that others declared, no for this ledger's own
-- column as_of: the position
-- column reported: whether others declared the rows
-- column status: the status; unbound where no verdict was given
-- column row_count: how many rows were in it
-- column position: greatest position that the count rests on
-- example: ledger query board_history --points 10 --reported no
with ends as (
    select distinct (last * i // n)::ubigint as as_of
    from (select max(position) as last from events),
         (select coalesce(getvariable('points'), 20) as n),
         unnest(range(1, coalesce(getvariable('points'), 20) + 1)) as t(i)
),
names as (
    select name, reported, arg_max(row, position) as row, min(position) as first
    from row_names n
    where not exists (from off_main o where n.position between o.first and o.last)
      and (getvariable('reported') is null or reported = getvariable('reported'))
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
      and (getvariable('reported') is null or s.reported = getvariable('reported'))
      and (n.row is not null
           or (s.reported and regexp_matches(s.name, '^([^:]*:)?UNIDENTIFIED-ROW-')))
),
until as (
    select *, lead(position) over (partition by row, reported order by position, stated nulls first) as beyond
    from (
        select row, reported, status, position, stated from given
        union all
        select row, reported, 'unbound', first, null from declared
    )
)
select e.as_of, u.reported, u.status, count(*) as row_count, max(u.position) as position
from ends e
join until u on u.position <= e.as_of and (u.beyond is null or u.beyond > e.as_of)
group by e.as_of, u.reported, u.status
order by e.as_of, u.reported, u.status
