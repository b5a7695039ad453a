-- Numbers of one training step, as a document cites them; the latest where a step was taken again.
-- param run text required: the run
-- param metric text required: the metric
-- param step integer required: number of the step
-- param until integer: only entries up to this position
-- column run: the run
-- column step: number of the step
-- column metric: the metric
-- column value: its value
-- column started: entry hash of the start of the run; a mark on the run is a mark on it
-- column hash: entry hash of the step
-- column position: position of the step
-- example: ledger query step_cells --run train-0001 --metric loss --step 1
with latest as (
    select s.run, s.step, s.metric, arg_max(s.value, s.position) as value,
           max(s.position) as position
    from steps s
    where s.run = getvariable('run') and s.metric = getvariable('metric')
        and s.step = getvariable('step')
        and s.position <= coalesce(getvariable('until'), s.position)
        and not exists (from off_main o where s.position between o.first and o.last)
    group by s.run, s.step, s.metric
)
select l.run, l.step, l.metric, l.value, r.hash as started, e.hash, l.position
from latest l join events e on e.position = l.position
    left join runs r on r.run = l.run
order by l.position
