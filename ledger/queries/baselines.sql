-- What a loss is held against: the cost of knowing nothing (uniform) or only how often each token
-- comes (unigram) or which follow (bigram, trigram), as constants, measurements and reported
-- numbers say it.
-- column name: name of the constant, metric or number
-- column run: the run that measured it; null for a constant, and where others stated it of no run
-- column value: its value
-- column unit: its unit
-- column reported: whether others stated it
-- column hash: entry hash
-- column position: position of the entry
-- example: ledger query baselines
with stated as (
    select position, hash, entry->'$.body.numbers' as numbers
    from events where kind = 'measurement.reported'
),
numbers as (select position, hash, numbers, unnest(json_keys(numbers)) as name from stated),
found as (
    select name, null::varchar as run, value, unit, false as reported, hash, position
    from constants
    union all
    select metric, run, value, unit, false, hash, position from measurements
    union all
    select name, null, try_cast(json_extract_string(numbers, '$."' || name || '"') as double),
           nullif(regexp_extract(name, '_(nats|bits)$', 1), ''), true, hash, position
    from numbers
)
select name, run, value, unit, reported, hash, position
from found
where regexp_matches(lower(name), 'uniform|unigram|bigram|trigram') and value is not null
order by position, name
