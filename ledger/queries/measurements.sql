-- Numbers with their unit, where they came from and what they may be compared with.
-- param metric text: only this metric
-- param run text: only this run
-- grouped by run
-- column run: run that measured it
-- column metric: name of the quantity
-- column value: the value as recorded
-- column unit: its unit
-- column provenance: measured, derived, asserted or synthetic
-- column key: the comparability key
-- column hash: entry hash
-- column position: position of the measurement
-- example: ledger query measurements --metric trace_distance_max
select run, metric, value_json as value, unit, provenance, key, hash, position
from measurements
where (getvariable('metric') is null or metric = getvariable('metric'))
  and (getvariable('run') is null or run = getvariable('run'))
order by position
