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
)
select e.as_of, u.reported, u.status, count(*) as row_count, max(u.position) as position
from ends e
join row_periods u on u.position <= e.as_of and (u.beyond is null or u.beyond > e.as_of)
where getvariable('reported') is null or u.reported = getvariable('reported')
group by e.as_of, u.reported, u.status
order by e.as_of, u.reported, u.status
