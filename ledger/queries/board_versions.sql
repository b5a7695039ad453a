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
with registered as (
    select to_version as version, min(position) as first from (
        select to_version, position from sections
        union all
        select to_version::varchar, position from publications where not contains(section, ':')
    ) s
    where to_version is not null
      and not exists (from off_main o where s.position between o.first and o.last)
    group by to_version
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
),
changes as (
    select reported, position, row_number() over (partition by reported order by position) as n,
           count(*) over (partition by reported) as total,
           min(position) over (partition by reported) as begins
    from (select distinct reported, position from until)
),
ends as (
    select r.version, c.reported, r.as_of
    from (select version, lead(first) over (order by first) - 1 as as_of from registered) r,
         (select distinct reported from changes) c
    where r.as_of is not null
    union all
    select null, reported, position from changes c
    where n = total or (n * 60 // total > (n - 1) * 60 // total
                        and not exists (from registered r where r.first > c.begins))
)
select e.version, e.as_of, u.reported, u.status, count(*) as row_count,
       max(u.position) as position
from ends e
join until u on u.reported = e.reported
    and u.position <= e.as_of and (u.beyond is null or u.beyond > e.as_of)
group by e.version, e.as_of, u.reported, u.status
order by e.as_of, e.version nulls last, u.reported, u.status
