-- Bisections: which stage of a pass is the first to differ by itself.
-- column run: the run that bisected
-- column answer: the answer in one sentence
-- column layer: layer of the culprit
-- column point: its capture point; null where no stage differs by itself
-- column distance: its local distance; null where it is not finite
-- column stages: how many stages were scored
-- column floor: entry hash of the floor that limits come from; null where none was used
-- column provenance: measured, or asserted where the reference is somebody else's activations
-- column hash: entry hash of its first part
-- column position: position of that entry
-- example: ledger query bisections
with parts as (
    select position, hash, origin, branch, entry->>'$.body.run' as run, entry
    from events where kind = 'bisection.made'
),
bisections as (
    select run, origin, branch, arg_min(entry, position) as entry, arg_min(hash, position) as hash,
           min(position) as position,
           sum(json_array_length(entry, '$.body.points'))::bigint as stages
    from parts group by run, origin, branch
)
select run, entry->>'$.body.answer' as answer,
       try_cast(entry->>'$.body.culprit.layer' as integer) as layer,
       entry->>'$.body.culprit.point' as point,
       try_cast(entry->>'$.body.culprit.distance' as double) as distance, stages,
       entry->>'$.body.floor' as floor, entry->>'$.body.provenance' as provenance, hash, position
from bisections order by position
