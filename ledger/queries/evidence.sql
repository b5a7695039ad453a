-- What an entry rests on, directly and through others: the citations behind a verdict.
-- param of integer required: position of the verdict, or of any other entry
-- column depth: 0 for the entry itself, 1 for what it cites
-- column kind: kind of the entry
-- column stream: what it belongs to
-- column actor: who recorded it
-- column hash: entry hash
-- column position: its position
-- example: ledger query evidence --of 3
with recursive cited as (
    select from_name as hash, to_name as next from edges where relation = 'cites'
),
rests(hash, depth) as (
    select hash, 0 from events where position = getvariable('of')
    union
    select c.next, r.depth + 1 from rests r join cited c on c.hash = r.hash where r.depth < 16
),
nearest as (select hash, min(depth) as depth from rests group by hash),
placed as (  -- most of what is cited stands in a small table: the hashes of all entries are many
    select hash, position from measurements union select hash, position from criteria
    union select hash, position from statuses union select hash, position from traces
    union select hash, position from comparisons union select hash, position from runs
    union select hash, position from claims
),
found as (
    select n.depth, p.position from nearest n join placed p on p.hash = n.hash
    union
    select n.depth, e.position from events e
    join (select * from nearest n where not exists (from placed p where p.hash = n.hash)) n
        on n.hash = e.hash
)
select f.depth, e.kind, e.stream, e.actor, e.hash, e.position
from found f join events e on e.position = f.position
order by f.depth, e.position
