-- Claims and their fates: every claim with the latest verdict on it.
-- param reported yesno: yes for claims that others stated, no for this ledger's own
-- column claim: name of the claim
-- column text: the claim in words
-- column fate: latest status given to it; open where none was
-- column standing: judged (here), reported (by others), or open
-- column hash: entry hash of that verdict, or of the statement while it is open
-- column position: position of that entry
-- example: ledger query claims --reported yes
with latest as (
    select name, reported, arg_max(status, position) as status, arg_max(hash, position) as hash,
           max(position) as position
    from statuses where branch is null group by name, reported
)
select c.claim, c.text, coalesce(l.status, 'open') as fate,
       case when l.status is null then 'open' when l.reported then 'reported' else 'judged' end
           as standing,
       coalesce(l.hash, c.hash) as hash, coalesce(l.position, c.position) as position
from claims c left join latest l on l.name = c.claim and l.reported = c.reported
where getvariable('reported') is null or c.reported = getvariable('reported')
order by c.position, c.claim
