-- Rows of this ledger that were judged, each once, with all that stands behind the latest verdict on
-- the main line: the demand, the number, the run that measured it, and the rows it requires.
-- param criterion text: only this row
-- column criterion: the row
-- column title: what is demanded
-- column status: its status
-- column previous_status: its status before that verdict
-- column given_on: day of the verdict, UTC
-- column metric: metric
-- column operator: operator
-- column threshold: threshold that was applied
-- column unit: unit of value and threshold
-- column value: the value in the evidence
-- column binding: what the evidence had to be about
-- column contract: the contract that declares the row; null where none does
-- column provenance: measured, or derived from measured numbers
-- column run: the run that measured it
-- column executor: its executor
-- column program: program and version that ran it
-- column arguments: what the run was asked for
-- column device: device that computed, as observed
-- column environment: versions and settings that could change the numbers
-- column inputs: digest of each input by role
-- column size_bytes: size of the model file; null where none is known
-- column requires: rows that must be discharged before it
-- column open_requirements: those of them that are not
-- column awaited_by: rows that require it, and are not discharged
-- column declaration: entry hash of the demand that was applied
-- column evidence: entry hash of the measurement
-- column started: entry hash of the start of the run
-- column hash: entry hash of the verdict
-- column position: greatest position that this rests on
-- example: ledger query discharges --criterion LOSS
with given as (
    select * from statuses s
    where about = 'row' and not reported and not post_hoc
      and not exists (from off_main o where s.position between o.first and o.last)
),
ordered as (
    select *, lag(status) over (partition by name order by position) as before,
           row_number() over (partition by name order by position desc) as back
    from given
),
latest as (from ordered where back = 1),
judged as (  -- the verdict behind the latest word: a row may have moved since
    select name, arg_max(g, position) as g from given g where declaration is not null group by name
),
needed as (
    select c.hash, unnest(c.requires) as needs from criteria c where not c.reported
),
waiting as (
    select n.needs as name, list(distinct c.name order by c.name) as rows, max(l.position) as position
    from needed n join criteria c on c.hash = n.hash left join latest l on l.name = c.name
    where coalesce(l.status, 'unbound') <> 'DISCHARGED' group by n.needs
),
blocked as (
    select n.hash, list(distinct n.needs order by n.needs)
               filter (coalesce(l.status, 'unbound') <> 'DISCHARGED') as rows,
           max(l.position) as position
    from needed n left join latest l on l.name = n.needs group by n.hash
)
select l.name as criterion, c.title, l.status, coalesce(l.before, 'unbound') as previous_status,
       strftime(v.recorded_at, '%Y-%m-%d') as given_on, c.metric, c.operator, c.threshold, c.unit,
       m.value_json as value, c.binding, c.contract, m.provenance, m.run,
       s.entry->>'$.body.executor' as executor, s.entry->>'$.body.program' as program,
       s.entry->'$.body.arguments' as arguments, r.device_observed as device,
       s.entry->'$.body.environment' as environment, s.entry->'$.body.inputs' as inputs,
       try_cast(s.entry->>'$.body.model.size_bytes' as bigint) as size_bytes,
       c.requires, coalesce(b.rows, []) as open_requirements, coalesce(w.rows, []) as awaited_by,
       c.hash as declaration, m.hash as evidence, r.hash as started, l.hash,
       greatest(l.position, coalesce(b.position, 0), coalesce(w.position, 0)) as position
from latest l
    join judged j on j.name = l.name
    join criteria c on c.hash = j.g.declaration
    join events v on v.position = l.position
    left join measurements m on m.hash = j.g.evidence
    left join runs r on r.run = m.run and not r.reported
    left join events s on s.position = r.position
    left join blocked b on b.hash = c.hash
    left join waiting w on w.name = l.name
where getvariable('criterion') is null or l.name = getvariable('criterion')
order by l.position, l.name
