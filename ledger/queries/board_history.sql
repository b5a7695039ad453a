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
declared as (
    select row, reported, min(position) as first
    from criteria c
    where not exists (from off_main o where c.position between o.first and o.last)
      and (getvariable('reported') is null or reported = getvariable('reported'))
    group by row, reported
),
given as (
    select coalesce(n.row, s.name) as row, s.reported, s.status, s.position
    from statuses s left join (select distinct name, row, reported from row_names) n
        on n.name = s.name and n.reported = s.reported
    where not exists (from off_main o where s.position between o.first and o.last)
),
until as (
    select *, lead(position) over (partition by row, reported order by position) as beyond
    from (
        select d.row, d.reported, g.status, g.position
        from declared d join given g on g.row = d.row and g.reported = d.reported
        union all
        select row, reported, 'unbound', first from declared
    )
)
select e.as_of, u.reported, u.status, count(*) as row_count, max(u.position) as position
from ends e
join until u on u.position <= e.as_of and (u.beyond is null or u.beyond > e.as_of)
group by e.as_of, u.reported, u.status
order by e.as_of, u.reported, u.status
