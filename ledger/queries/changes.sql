-- What changed after a position, oldest first: rows declared, verdicts that differ from the one
-- before, thresholds moved, claims, runs with their numbers, comparisons, gaps, what was withheld.
-- param after integer: only what came after this position
-- column position: position of the change
-- column change: declared, threshold, verdict, claim, started, ended, trained, measured, compared, asserted, gap, withheld, branch, note, section, board or corrected
-- column subject: the row, claim, run or other thing that it is about
-- column reported: whether others stated it
-- column from_state: what held before, where there is one
-- column to_state: what holds since
-- column metric: the quantity that it rests on
-- column value: its value
-- column operator: the operator in force
-- column threshold: the threshold in force
-- column unit: unit of value and threshold
-- column text: the rest in words
-- column branch: the branch it is on; null on the main line, and once the branch counts there
-- column hash: entry hash
-- example: ledger query changes --after 100
with line as (
    select position, hash, kind, branch, entry from events
    where position > coalesce(getvariable('after'), -1)
      and kind in ('gap.found', 'blob.withheld', 'branch.imported', 'branch.merged', 'note.added',
                   'threshold.reported')
),
declared as (
    select *, lag(threshold) over earlier as threshold_before, lag(position) over earlier as before
    from criteria window earlier as (partition by row, reported order by position)
),
demanded as (
    select row, reported, arg_max(metric, position) as metric,
           arg_max(operator, position) as operator
    from criteria group by row, reported
),
given as (
    select s.*, coalesce(n.row, s.name) as row, o.branch as off
    from statuses s left join (select distinct name, row, reported from row_names) n
        on n.name = s.name and n.reported = s.reported
        left join off_main o on s.position between o.first and o.last
),
judged as (
    select *, lag(status) over (partition by row, reported, off order by position) as before
    from given
),
numbered as (
    select *, row_number() over (partition by run order by position desc) as back
    from measurements where position > coalesce(getvariable('after'), -1) and run is not null
),
trained as (
    select if(origin = own, '', origin || ':') || stream[5:] as run, false as reported,
           count(*) as steps, max(position) as position
    from events, (select origin as own from events where position = 0)
    where position > coalesce(getvariable('after'), -1) and kind = 'step.taken'
    group by origin, own, stream
    union all
    select run, true, count(distinct position), max(position)
    from steps where position > coalesce(getvariable('after'), -1) and reported group by run
),
last_steps as (
    select t.position, t.run, t.reported, e.entry->'$.body.metrics' as metrics,
           concat(t.steps, if(t.steps = 1, ' step', ' steps'), ' recorded, the last is ',
                  e.entry->>'$.body.step') as text
    from trained t join events e on e.position = t.position
),
distances as (
    select *, if(isfinite(first_distance), to_json(first_distance), to_json(first_distance::text))
           as distance, if(isfinite(threshold), to_json(threshold), to_json(threshold::text)) as bound
    from comparisons
),
changes as (
    select position, 'declared' as change, row as subject, reported, null as from_state,
           if(blocking, 'blocking', null) as to_state, metric, null::json as value, operator,
           threshold, unit, title as text, hash
    from declared where before is null
    union all
    select position, 'threshold', row, reported, threshold_before->>'$', threshold->>'$', metric,
           null, operator, threshold, unit, title, hash
    from declared where before is not null and threshold is distinct from threshold_before
    union all
    select position, 'corrected', entry->>'$.body.subject', true, entry->>'$.body.old',
           entry->>'$.body.new', null, null, null, null, null, null, hash
    from line where kind = 'threshold.reported'
    union all
    select j.position, 'verdict', j.row, j.reported, coalesce(j.before, 'unbound'), j.status,
           d.metric, j.value, d.operator, j.threshold, j.unit, null, j.hash
    from judged j left join demanded d on d.row = j.row and d.reported = j.reported
    where j.status is distinct from j.before
    union all
    select position, 'claim', claim, reported, null, 'stated', null, null, null, null, null, text,
           hash
    from claims
    union all
    select position, 'started', run, reported, null, 'under way', null, null, null, null, null,
           concat_ws(', ', executor, model, coalesce(device_observed, device_asked)), hash
    from runs
    union all
    select position, if(outcome = 'open', 'resumed', 'ended'), run, reported,
           if(outcome = 'open', 'stopped', 'under way'), if(outcome = 'open', 'under way', outcome), null, to_json(wall_ms), null,
           null, if(wall_ms is null, null, 'ms'), reason, hash
    from run_ends
    union all
    select position, 'trained', run, reported, null, null, null, metrics, null, null, null,
           text, null
    from last_steps
    union all
    select position, 'measured', run, false, null, provenance, metric, value_json, null, null, unit,
           null, hash
    from numbered where back <= 5
    union all
    select position, 'asserted', metric, false, null, provenance, metric, value_json, null, null,
           unit, null, hash
    from measurements where run is null
    union all
    select position, 'compared', run, false, null, result, null, distance, null, bound, 'ratio',
           concat(run_a, ' and ', run_b, ', first at ' || first_point, ' of layer ' || first_layer),
           hash
    from distances
    union all
    select position, 'gap', 'journal', false, null, null, 'torn_bytes', entry->'$.body.torn_bytes',
           null, null, 'bytes', concat('after position ', entry->>'$.body.last_good_position'), hash
    from line where kind = 'gap.found'
    union all
    select position, 'withheld', entry->>'$.body.blob', false, null, 'withheld', null, null, null,
           null, null, entry->>'$.body.reason', hash
    from line where kind = 'blob.withheld'
    union all
    select position, 'branch', entry->>'$.body.name', false, null,
           if(kind = 'branch.imported', 'taken over', 'merged'), null, entry->'$.body.entries', null,
           null, null,
           coalesce(entry->>'$.body.reason', concat('from ', entry->>'$.body.source')), hash
    from line where kind in ('branch.imported', 'branch.merged')
    union all
    select position, 'note', 'note', false, null, null, null, null, null, null, null,
           entry->>'$.body.text', hash
    from line where kind = 'note.added'
    union all
    select position, 'section', section, true, from_version, to_version, null, null, null, null,
           null, title, null
    from sections
    union all
    select position, 'board', board, true, null, version, null, null, null, null, null,
           concat(discharged, ' discharged, ', partial, ' partial'), null
    from boards
)
select c.position, c.change, c.subject, c.reported, c.from_state, c.to_state, c.metric, c.value,
       c.operator, c.threshold, c.unit, c.text, o.branch, e.hash
from changes c join events e on e.position = c.position
    left join off_main o on c.position between o.first and o.last
where c.position > coalesce(getvariable('after'), -1)
order by c.position, c.change, c.subject, c.metric
