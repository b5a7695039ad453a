-- What the verdicts on a row rest on, as a graph: each entry once, with what it is and what it rests on.
-- A number rests on the start of the run that measured it, too.
-- param row text: the criterion, by its name; all where left out
-- column depth: 0 for a verdict, 1 for what it cites
-- column kind: kind of the entry
-- column name: the row, run, claim or stream that it belongs to
-- column fact: what it says, in short: a status, a demand, a number, a device, an answer
-- column provenance: measured, derived, asserted or synthetic; null where it has none
-- column rests_on: positions of what it rests on
-- column hash: entry hash
-- column position: its position
-- example: ledger query evidence_graph --row LOSS
with recursive links as (
    select distinct from_name as upper, to_name as lower from edges where relation = 'cites'
    union
    select m.hash, r.hash from measurements m join runs r on r.run = m.run and not r.reported
    union
    select t.hash, r.hash from traces t join runs r on r.run = t.run and not r.reported
),
verdicts as (
    select arg_max(hash, position) as hash from statuses s
    where not reported and about = 'row' and not post_hoc
      and not exists (from off_main o where s.position between o.first and o.last)
      and (getvariable('row') is null or name = getvariable('row'))
    group by name
),
rests(hash, depth) as (
    select hash, 0 from verdicts
    union
    select l.lower, r.depth + 1 from rests r join links l on l.upper = r.hash where r.depth < 16
),
placed as (
    select r.hash, max(r.depth) as depth, any_value(e.position) as position,
           any_value(e.kind) as kind, any_value(e.stream) as stream, any_value(e.entry) as entry
    from rests r join events e on e.hash = r.hash group by r.hash
),
below as (
    select l.upper as hash, list(p.position order by p.position) as rests_on
    from links l join placed p on p.hash = l.lower group by l.upper
),
facts as (
    select p.*, p.entry->>'$.body.metric' as metric, p.entry->>'$.body.value' as value,
           p.entry->>'$.body.unit' as unit, p.entry->>'$.body.operator' as operator,
           p.entry->>'$.body.threshold' as threshold
    from placed p
)
select p.depth, p.kind,
       coalesce(p.entry->>'$.body.criterion', p.entry->>'$.body.run', p.entry->>'$.body.claim',
                p.entry->>'$.body.subject', p.stream) as name,
       case p.kind
           when 'verdict.given' then concat_ws(' ', p.entry->>'$.body.status', 'at', p.value, p.unit)
           when 'criterion.declared' then concat_ws(' ', p.metric, p.operator, p.threshold, p.unit)
           when 'measurement.taken' then concat_ws(' ', p.metric, '=', p.value, p.unit)
           when 'run.started' then concat_ws(', ', p.entry->>'$.body.executor',
               p.entry->>'$.body.model.name', p.entry->>'$.body.device_observed')
           when 'comparison.made' then concat_ws(' ', p.entry->>'$.body.run_a', 'against',
               (p.entry->>'$.body.run_b') || ':', replace(p.entry->>'$.body.result', '_', ' '))
           when 'trace.captured' then json_array_length(p.entry, '$.body.points') || ' points'
           else coalesce(p.entry->>'$.body.text', p.entry->>'$.body.to_status',
                         p.entry->>'$.body.outcome', p.entry->>'$.body.title')
       end as fact,
       p.entry->>'$.body.provenance' as provenance, coalesce(b.rests_on, []) as rests_on,
       p.hash, p.position
from facts p left join below b on b.hash = p.hash
order by p.depth, p.position
