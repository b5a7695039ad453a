-- A training curve: one metric of one run by step, the latest value where a step was taken again.
-- param run text required: the run
-- param metric text: the metric; all where left out
-- grouped by run
-- column run: the run
-- column step: number of the step
-- column metric: the metric
-- column value: its value
-- column position: position of the step
-- example: ledger query curve --run cuda-50step --metric train_loss
select run, step, metric, arg_max(value, position) as value, max(position) as position
from steps
where (getvariable('run') is null or run = getvariable('run'))
  and (getvariable('metric') is null or metric = getvariable('metric'))
group by run, step, metric
order by run, step, metric
