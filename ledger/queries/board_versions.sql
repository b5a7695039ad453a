-- The board at the end of each version of the specification, and now: how many rows were in each
-- status, main line. A version ends where the next one is first registered. Where no
-- version ends after the first row, the board after at most 60 of its changes.
-- param reported yesno: yes for rows that others declared, no for this ledger's own
-- column version: the version; null for now, and where there is none
-- column as_of: the position at which it ends; for now, that of the last change
-- column reported: whether others declared the rows
-- column status: the status; unbound where no verdict was given
-- column row_count: how many rows were in it
-- column position: greatest position that the count rests on
-- example: ledger query board_versions --reported yes
with periods as (
    from row_periods where getvariable('reported') is null or reported = getvariable('reported')
),
changes as (
    select reported, position, row_number() over (partition by reported order by position) as n,
           count(*) over (partition by reported) as total,
           min(position) over (partition by reported) as begins
    from (select distinct reported, position from periods)
),
ends as (
    select r.version, c.reported, r.as_of
    from (select version, lead(first) over (order by first) - 1 as as_of from spec_versions) r,
         (select distinct reported from changes) c
    where r.as_of is not null
    union all
    select null, reported, position from changes c
    where n = total or (n * 60 // total > (n - 1) * 60 // total
                        and not exists (from spec_versions r where r.first > c.begins))
)
select e.version, e.as_of, u.reported, u.status, count(*) as row_count,
       max(u.position) as position
from ends e
join periods u on u.reported = e.reported
    and u.position <= e.as_of and (u.beyond is null or u.beyond > e.as_of)
group by e.version, e.as_of, u.reported, u.status
order by e.as_of, e.version nulls last, u.reported, u.status
