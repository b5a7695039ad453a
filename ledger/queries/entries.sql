-- Entries, whole: who recorded each and when, what it says, and what it cites.
-- param positions text required: their positions, with commas in between
-- column position: global position
-- column hash: entry hash
-- column chain: chain value after it, hex
-- column origin: the ledger that recorded it first
-- column branch: null on the main line
-- column kind: event kind
-- column schema_version: version of the kind
-- column stream: what it belongs to
-- column stream_version: 0-based within the stream
-- column actor: who recorded it
-- column recorded_at: when, UTC
-- column cited: hash and position of each entry that it cites; position null where it is not here
-- column body: the event's own fields as JSON
-- example: ledger query entries --positions 0,1
with asked as (
    select distinct try_cast(unnest(string_split(getvariable('positions'), ',')) as ubigint)
           as position
),
found as (select e.* from events e join asked using (position)),
links as (
    select f.position, c.hash, c.place
    from found f, unnest(f.cites) with ordinality as c(hash, place)
),
targets as (
    select hash, min(position) as position from events
    where hash in (select hash from links) group by hash
),
cited as (
    select l.position, list({'hash': l.hash, 'position': t.position} order by l.place) as cited
    from links l left join targets t on t.hash = l.hash group by l.position
)
select f.position, f.hash, f.chain, f.origin, f.branch, f.kind, f.schema_version, f.stream,
       f.stream_version, f.actor, f.recorded_at, coalesce(c.cited, []) as cited,
       f.entry->'$.body' as body
from found f left join cited c on c.position = f.position
order by f.position
