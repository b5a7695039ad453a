-- The events themselves, newest last.
-- param kind text: only this kind
-- param stream text: only this stream
-- param since integer: only from this position on
-- param last integer: only the last so many
-- column position: global position
-- column hash: entry hash
-- column kind: event kind
-- column stream: what it belongs to
-- column stream_version: 0-based within the stream
-- column actor: who recorded it
-- column recorded_at: when, UTC
-- column body: the event's own fields as JSON
-- example: ledger query events --last 5
select position, hash, kind, stream, stream_version, actor, recorded_at,
       entry->'$.body' as body
from (
    select * from events
    where (getvariable('kind') is null or kind = getvariable('kind'))
      and (getvariable('stream') is null or stream = getvariable('stream'))
      and (getvariable('since') is null or position >= getvariable('since'))
    order by position desc
    limit coalesce(getvariable('last'), 9223372036854775807)
)
order by position
