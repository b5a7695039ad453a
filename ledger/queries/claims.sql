-- Claims and their fates: every claim with the latest verdict on it.
-- param claim text: only this claim
-- param text text: only claims whose words hold all of these, in any case
-- param reported yesno: yes for claims that others stated, no for this ledger's own
-- column claim: name of the claim
-- column text: the claim in words
-- column fate: latest status given to it; UNKNOWN until it was tested, open where others stated it and gave none
-- column standing: judged (here), reported (by others), or open
-- column tests: how often it was tested here
-- column suspect: what the latest verdict rested on and fell since; null where it stands
-- column hash: entry hash of that verdict, or of the statement while it is open
-- column position: position of that entry
-- example: ledger query claims --reported yes
-- example: ledger query claims --text "layer 3" --at 500
with latest as (
    select name, arg_max(status, position) as status, arg_max(hash, position) as hash,
           max(position) as position
    from statuses s
    where reported and not exists (from off_main o where s.position between o.first and o.last)
    group by name
),
wanted as (
    select * from claims c
    where (getvariable('reported') is null or c.reported = getvariable('reported'))
      and not exists (from off_main o where c.position between o.first and o.last)
      and (getvariable('claim') is null or c.claim = getvariable('claim'))
      and (getvariable('text') is null or list_bool_and(list_transform(
          string_split(lower(getvariable('text')), ' '), lambda word: contains(lower(c.text), word))))
),
tested as (
    select claim, count(*) as tests from premises p
    where p.hash not in (select hash from claims)
      and not exists (from off_main o where p.position between o.first and o.last)
    group by claim
)
select c.claim, c.text, coalesce(f.fate, l.status, 'open') as fate,
       case when coalesce(f.fate, l.status, 'UNKNOWN') = 'UNKNOWN' then 'open'
            when c.reported then 'reported' else 'judged' end as standing,
       coalesce(t.tests, 0) as tests, u.why as suspect,
       coalesce(f.hash, l.hash, c.hash) as hash, coalesce(f.position, l.position, c.position) as position
from wanted c
    left join latest l on l.name = c.claim and c.reported
    left join fates f on f.claim = c.claim and not c.reported
    left join tested t on t.claim = c.claim and not c.reported
    left join suspects u on u.hash = f.hash
order by c.position, c.claim
