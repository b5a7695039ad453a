-- The board: every declared row once, in its latest status on the main line. A row that others
-- declared is theirs: their verdicts change no row of this ledger that has the same name. What is on
-- a branch that is not merged is left out.
-- param model text: only rows listed under this model
-- param status text: only rows in this status
-- param reported yesno: yes for rows that others declared, no for this ledger's own
-- column row: the row: a criterion, gate or invariant, by the name of its falsifier where it has one
-- column family: criterion, gate, invariant, or unidentified
-- column model: the model it is listed under
-- column title: what is demanded
-- column metric: metric, operator and threshold with unit
-- column status: latest status; unbound where no verdict was given
-- column reported: whether others declared the row
-- column standing: judged (this ledger gave the verdict), reported (others did), or open
-- column value: the value judged
-- column evidence: hash of the measurement, or what others named
-- column attempts: matching measurements up to the evidence
-- column blocking: whether shipping waits for it
-- column verdict_position: position of the verdict
-- column position: greatest position the row rests on
-- example: ledger query board --reported no
with declared as (
    select row, min(position) as first, max(position) as position, arg_max(family, position) as family,
           max(model) as model, arg_max(title, position) as title,
           arg_max(concat_ws(' ', coalesce(metric, if(threshold is null, null, 'threshold')), operator,
                   coalesce(format('{:g}', try_cast(threshold::varchar as double)),
                            threshold->>'$'), unit), position) as metric,
           bool_or(blocking) as blocking, reported
    from criteria c where not exists (from off_main o where c.position between o.first and o.last)
    group by row, reported
    union all
    select name, min(position), min(position), 'unidentified', null,
           'a row that the history counts without naming it', null, null, true
    from statuses s
    where starts_with(name, 'UNIDENTIFIED-ROW-') and not exists (from off_main o where s.position between o.first and o.last)
    group by name
),
named as (
    select s.*, coalesce(n.row, s.name) as row
    from statuses s left join (select distinct name, row, reported from row_names) n
        on n.name = s.name and n.reported = s.reported
    where not exists (from off_main o where s.position between o.first and o.last)
),
latest as (
    select row, reported, arg_max(named, position) as v from named group by row, reported
)
select d.row, d.family, d.model, d.title, d.metric, coalesce(v.status, 'unbound') as status,
       d.reported,
       case when v.status is null then 'open' when v.reported then 'reported' else 'judged' end
           as standing,
       v.value, v.evidence, a.attempts, d.blocking, v.position as verdict_position,
       greatest(d.position, coalesce(v.position, 0)) as position
from declared d left join latest l on l.row = d.row and l.reported = d.reported
    left join attempts a on a.verdict = v.hash
where (getvariable('model') is null or d.model = getvariable('model'))
  and (getvariable('status') is null or coalesce(v.status, 'unbound') = getvariable('status'))
  and (getvariable('reported') is null or d.reported = getvariable('reported'))
order by d.reported, d.first, d.row
