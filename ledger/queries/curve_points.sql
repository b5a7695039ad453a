-- A training curve in few points, for a plot: one metric of one run, the steps in buckets of one size.
-- param run text required: the run
-- param metric text required: the metric
-- param points integer: how many points at most; 1000 where left out
-- column run: the run
-- column metric: the metric
-- column step: first step of the bucket
-- column last_step: last step of the bucket
-- column steps: how many of its steps have a finite value
-- column value: their mean
-- column least: the least of them
-- column greatest: the greatest of them
-- column position: greatest position in the bucket
-- example: ledger query curve_points --run cuda-50step --metric train_loss --points 20
with layouts as (
    select metrics,
           list_position(from_json(metrics, '["VARCHAR"]'), getvariable('metric')) as place
    from (select distinct metrics from step_metrics where run = getvariable('run'))
),
taken as materialized (
    select s.step, s.numbers[l.place] as value, s.position
    from step_metrics s join layouts l using (metrics)
    where s.run = getvariable('run') and l.place > 0
),
twice as (  -- few steps are taken again: the latest of each counts
    select step, max(position) as position from taken group by step having count(*) > 1
),
latest as (
    select t.* from taken t left join twice w on w.step = t.step
    where w.step is null or w.position = t.position
),
bounds as (
    select min(step) as low, max(step) - min(step) + 1 as width,
           least(coalesce(getvariable('points'), 1000), 1000000) as points
    from taken
)
select getvariable('run') as run, getvariable('metric') as metric, min(step) as step,
       max(step) as last_step, count(value) filter (isfinite(value)) as steps,
       avg(value) filter (isfinite(value)) as value, min(value) filter (isfinite(value)) as least,
       max(value) filter (isfinite(value)) as greatest, max(position) as position
from latest, bounds group by (step - low) * points // width order by min(step)
