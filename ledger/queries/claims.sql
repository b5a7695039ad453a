-- Claims and their fates: every claim with the latest verdict on it.
-- param claim text: only this claim
-- param text text: only claims whose words hold all of these, in any case
-- param reported yesno: yes for claims that others stated, no for this ledger's own
-- column claim: name of the claim
-- column text: the claim in words
-- column fate: latest status given to it; open where none was
-- column standing: judged (here), reported (by others), or open
-- column hash: entry hash of that verdict, or of the statement while it is open
-- column position: position of that entry
-- example: ledger query claims --reported yes
-- example: ledger query claims --text "layer 3" --at 500
with latest as (
    select name, reported, arg_max(status, position) as status, arg_max(hash, position) as hash,
           max(position) as position
    from statuses s where not exists (from off_main o where s.position between o.first and o.last)
    group by name, reported
)
select c.claim, c.text, coalesce(l.status, 'open') as fate,
       case when l.status is null then 'open' when l.reported then 'reported' else 'judged' end
           as standing,
       coalesce(l.hash, c.hash) as hash, coalesce(l.position, c.position) as position
from claims c left join latest l on l.name = c.claim and l.reported = c.reported
where (getvariable('reported') is null or c.reported = getvariable('reported'))
  and not exists (from off_main o where c.position between o.first and o.last)
  and (getvariable('claim') is null or c.claim = getvariable('claim'))
  and (getvariable('text') is null or list_bool_and(list_transform(
      string_split(lower(getvariable('text')), ' '), lambda word: contains(lower(c.text), word))))
order by c.position, c.claim
