-- Claims in the order in which they were stated, each with what became of it and why: how an
-- investigation came from one suspect to the next. Main line.
-- param claims text: only these: names with commas in between, where * stands for any letters
-- param reported yesno: yes for claims that others stated, no for this ledger's own
-- column claim: name of the claim
-- column text: the claim in words
-- column fate: latest status given to it; UNKNOWN or open until there is one
-- column reason: the number that it was tested by, or the reason that was given
-- column premises: claims that it cites, by name
-- column stated: position of the statement
-- column hash: entry hash of the latest verdict, or of the statement while there is none
-- column position: position of that entry
-- example: ledger query claim_chain --claims 'H-*'
with wanted as (
    select c.* from claims c
    where not exists (from off_main o where c.position between o.first and o.last)
      and (getvariable('reported') is null or c.reported = getvariable('reported'))
      and (getvariable('claims') is null
           or list_bool_or(list_transform(string_split(getvariable('claims'), ','),
                                          lambda name: c.claim glob trim(name))))
),
latest as (
    select name, reported, arg_max(s, position) as s
    from statuses s
    where about is distinct from 'row'
      and not exists (from off_main o where s.position between o.first and o.last)
    group by name, reported
),
resting as (
    select e.from_name as hash, list(c.claim order by c.position) as premises
    from edges e join claims c on c.hash = e.to_name where e.relation = 'cites'
    group by e.from_name
)
select c.claim, c.text,
       coalesce(f.fate, l.s.status, if(c.reported, 'open', 'UNKNOWN')) as fate,
       coalesce(e.entry->>'$.body.reason', e.entry->>'$.body.rest.reason',
                if(e.entry->>'$.body.metric' is null, null, concat_ws(' ',
                   e.entry->>'$.body.metric', e.entry->>'$.body.value', e.entry->>'$.body.unit',
                   'against', e.entry->>'$.body.operator', e.entry->>'$.body.threshold'))
               ) as reason,
       coalesce(r.premises, []) as premises, c.position as stated,
       coalesce(f.hash, l.s.hash, c.hash) as hash,
       coalesce(f.position, l.s.position, c.position) as position
from wanted c
    left join latest l on l.name = c.claim and l.reported = c.reported
    left join fates f on f.claim = c.claim and not c.reported
    left join events e on e.position = l.s.position
    left join resting r on r.hash = c.hash
order by c.position, c.claim
