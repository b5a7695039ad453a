-- The board: every declared row once, in its latest status on the main line. A row that others
-- declared is theirs: their verdicts change no row of this ledger that has the same name. What is on
-- a branch that is not merged is left out. A criterion that names a falsifier is the row of its
-- falsifier: its family stays criterion, and it is found under the family falsifier, too.
-- param model text: only rows listed under this model
-- param family text: only rows of this family: criterion, gate, invariant, falsifier or unidentified
-- param status text: only rows in this status
-- param reported yesno: yes for rows that others declared, no for this ledger's own
-- column row: the row: a criterion, gate or invariant, by the name of its falsifier where it has one
-- column family: the family it was declared in: criterion, gate, invariant or falsifier; or unidentified
-- column criterion: the criterion whose falsifier the row is; null where it has its own name
-- column model: the model it is listed under
-- column title: what is demanded
-- column metric: metric, operator and threshold with unit
-- column status: latest status; unbound where no verdict was given
-- column reported: whether others declared the row
-- column standing: judged (this ledger gave the verdict), reported (others did), or open
-- column suspect: what the verdict rested on and fell since; null where it stands
-- column post_hoc: the verdict by a threshold that moved after the result was seen; it changes no row
-- column value: the value judged
-- column evidence: hash of the measurement, or what others named
-- column attempts: matching measurements up to the evidence
-- column blocking: whether shipping waits for it
-- column verdict_position: position of the verdict
-- column position: greatest position the row rests on
-- example: ledger query board --reported no
-- example: ledger query board --family falsifier
with names as (
    select name, reported, arg_max(row, position) as row
    from row_names n where not exists (from off_main o where n.position between o.first and o.last)
    group by name, reported
),
spoken as (
    select coalesce(n.row, s.name) as row, n.row is not null as declared, s.*
    from statuses s left join names n on n.name = s.name and n.reported = s.reported
    where s.about is distinct from 'claim'
      and not exists (from off_main o where s.position between o.first and o.last)
),
declared as (
    select n.row, min(position) as first, max(position) as position, arg_max(family, position) as family,
           arg_max(c.name, position) filter (c.name <> n.row) as criterion,
           max(model) as model, arg_max(title, position) as title,
           arg_max(concat_ws(' ', coalesce(metric, if(threshold is null, null, 'threshold')), operator,
                   coalesce(format('{:g}', try_cast(threshold::varchar as double)),
                            threshold->>'$'), unit), position) as metric,
           bool_or(blocking) as blocking, c.reported
    -- a threshold that moved after the result was seen leaves the row as it was
    from (from criteria where seen is null) c join names n on n.name = c.name and n.reported = c.reported
    where not exists (from off_main o where c.position between o.first and o.last)
    group by n.row, c.reported
    union all
    select row, min(position), min(position), 'unidentified', null, null,
           'a row that the history counts without naming it', null, null, true
    from spoken
    where reported and not declared and regexp_matches(row, '^([^:]*:)?UNIDENTIFIED-ROW-')
    group by row
),
latest as (
    select row, reported, arg_max(spoken, position) filter (not post_hoc) as v,
           arg_max(status || ' at ' || (threshold->>'$'), position) filter (post_hoc) as post_hoc
    from spoken group by row, reported
)
select d.row, d.family, d.criterion, d.model, d.title, d.metric,
       coalesce(v.status, 'unbound') as status, d.reported,
       case when v.status is null then 'open' when v.reported then 'reported' else 'judged' end
           as standing,
       u.why as suspect, l.post_hoc, v.value, v.evidence, a.attempts, d.blocking, v.position as verdict_position,
       greatest(d.position, coalesce(v.position, 0)) as position
from declared d left join latest l on l.row = d.row and l.reported = d.reported
    left join attempts a on a.verdict = v.hash left join suspects u on u.hash = v.hash
where (getvariable('model') is null or d.model = getvariable('model'))
  and (getvariable('family') is null or d.family = getvariable('family')
       or (getvariable('family') = 'falsifier' and d.criterion is not null))
  and (getvariable('status') is null or coalesce(v.status, 'unbound') = getvariable('status'))
  and (getvariable('reported') is null or d.reported = getvariable('reported'))
order by d.reported, d.first, d.row
