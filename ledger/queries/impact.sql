-- What would turn suspect if an entry fell: everything that rests on it, directly or through others.
-- param of integer required: position of the entry
-- column depth: 0 for the entry itself, 1 for what rests on it directly
-- column what: row, claim, artifact, or entry where it is the latest word on none of these
-- column name: the row, claim or artifact; the stream of an entry
-- column status: how it stands now
-- column through: what it rests on, the nearest step towards the entry, by position
-- column kind: kind of the resting entry
-- column hash: its hash
-- column position: its position
-- example: ledger query impact --of 3
with recursive cited as (
    select to_name as hash, from_name as by, position as by_position from edges where relation = 'cites'
    union all
    select r.hash, m.hash, m.position from runs r join measurements m on m.run = r.run and not r.reported
    union all
    select f.hash, d.hash, d.position  -- a row that is required falls: so does what requires it
    from statuses f join criteria c on list_contains(c.requires, f.name)
        join statuses d on d.name = c.name and d.declaration = c.hash and not d.reported
    where not f.reported and f.position < d.position
),
start as (select hash, position from events where position = getvariable('of')),
rests(hash, position, through, depth) as (
    select hash, position, position, 0 from start
    union
    select c.by, c.by_position, r.position, r.depth + 1
    from rests r join cited c on c.hash = r.hash where r.depth < 16
),
nearest as (
    select hash, position, min(depth) as depth, arg_min(through, depth) as through
    from rests r
    where not exists (from off_main o where r.position between o.first and o.last)
    group by hash, position
),
latest as (
    select about, name, arg_max(hash, position) as hash, arg_max(status, position) as status
    from statuses s
    where not reported and not post_hoc
        and not exists (from off_main o where s.position between o.first and o.last)
    group by about, name
)
select n.depth, coalesce(l.about, if(e.kind like 'artifact.%', 'artifact', 'entry')) as what,
       coalesce(l.name, e.entry->>'$.body.artifact', e.stream) as name, l.status,
       n.through, e.kind, n.hash, n.position
from nearest n join events e on e.position = n.position left join latest l on l.hash = n.hash
order by n.depth, n.position
