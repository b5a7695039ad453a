-- What a number in a document can be a reference to: measurements, thresholds, values of verdicts.
-- param metric text: only this metric; `threshold` and `value` are those of a row
-- param name text: only of this run, or of this row
-- param entry text: only the entry whose hash begins so
-- param of integer: only the entry at this position
-- param until integer: only entries up to this position
-- column metric: name of the quantity
-- column name: the run that measured it, or the row; null for an asserted number
-- column value: the value as recorded
-- column unit: its unit
-- column what: measurement, threshold or value
-- column hash: entry hash
-- column position: position of the entry
-- example: ledger query cells --metric loss_final
-- example: ledger query cells --name train-0001
with found as (
    select metric, run as name, value_json as value, unit, 'measurement' as what, hash, position
    from measurements m
    where not exists (from off_main o where m.position between o.first and o.last)
    union all
    select 'threshold', name, arg_max(threshold, position), arg_max(unit, position), 'threshold',
           arg_max(hash, position), max(position)
    from criteria c
    where not reported and seen is null
        and position <= coalesce(getvariable('until'), position)
        and not exists (from off_main o where c.position between o.first and o.last)
    group by name
    union all
    select 'value', name, arg_max(value, position), arg_max(unit, position), 'value',
           arg_max(hash, position), max(position)
    from statuses s
    where not reported and about = 'row' and value is not null and not post_hoc
        and position <= coalesce(getvariable('until'), position)
        and not exists (from off_main o where s.position between o.first and o.last)
    group by name
)
select metric, name, value, unit, what, hash, position from found
where (getvariable('metric') is null or metric = getvariable('metric'))
    and (getvariable('name') is null or name = getvariable('name'))
    and (getvariable('entry') is null or starts_with(hash, getvariable('entry')))
    and (getvariable('of') is null or position = getvariable('of'))
    and position <= coalesce(getvariable('until'), position)
order by position, what, metric
