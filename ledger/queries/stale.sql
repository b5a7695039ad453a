-- What must be looked at again: premises that fell or ran out, what rests on them, rows judged by an
-- earlier demand, claims whose set grew.
-- param now integer: microseconds UTC; the time of the newest entry where left out
-- param commit text: premises that were seen to hold at another commit are listed, too
-- column what: premise, row or claim
-- column name: its name
-- column status: how it stands now
-- column why: why it must be looked at again
-- column since: position of what makes it so
-- column next: what to do
-- column hash: entry hash of the latest word on it
-- column position: position of that entry
-- example: ledger query stale
with clock as (
    select coalesce(getvariable('now'), (select epoch_us(max(recorded_at)) from events)) as now_us
),
latest as (
    select about, name, arg_max(s, position) as v
    from statuses s
    where not reported and not post_hoc
        and not exists (from off_main o where s.position between o.first and o.last)
    group by about, name
),
seen as (
    select claim, arg_max(p, position) as p from premises p
    where not exists (from off_main o where p.position between o.first and o.last)
    group by claim
),
used as (select distinct to_name as hash from edges where relation = 'cites'),
demands as (
    select name, arg_max(hash, position) as hash, max(position) as position from criteria c
    where not reported and seen is null
        and not exists (from off_main o where c.position between o.first and o.last)
    group by name
),
found as (
    select 'premise' as what, s.claim as name, f.fate as status,
           case when s.p.expires_at < c.now_us
                then format('it ran out {} days ago', (c.now_us - s.p.expires_at) // 86400000000)
                else 'it was seen to hold at commit ' || s.p.commit end as why,
           s.p.position as since, 'test it again: ledger record claim.tested' as next,
           f.hash, f.position
    from seen s join fates f on f.claim = s.claim, clock c
    where (s.p.expires_at < c.now_us or s.p.commit <> getvariable('commit'))
        and f.fate in ('UNKNOWN', 'SURVIVED')
    union all
    select 'premise', f.claim, f.fate, 'it fell, and is rested on', f.position,
           'judge again what rests on it, without it', f.hash, f.position
    from fates f
    where f.fate not in ('UNKNOWN', 'SURVIVED')
        and exists (from premises p join used u on u.hash = p.hash
                    join suspects s on s.why like f.claim || ' is %' where p.claim = f.claim)
    union all
    select 'claim', f.claim, 'UNKNOWN', 'its set has a new member', f.reopened_at,
           'test the new member: ledger record claim.tested', f.hash, f.position
    from fates f where f.reopened_at is not null
    union all
    select l.about, l.name, l.v.status, s.why, s.by_position,
           if(l.about = 'row', 'measure again, then ledger judge ' || l.name,
              'test it again: ledger record claim.tested'),
           l.v.hash, l.v.position
    from latest l join suspects s on s.hash = l.v.hash
    union all
    select 'row', l.name, l.v.status, 'it was judged by an earlier demand', d.position,
           'ledger judge ' || l.name, l.v.hash, l.v.position
    from latest l join demands d on d.name = l.name
    where l.about = 'row' and l.v.declaration is not null and d.hash <> l.v.declaration
)
select * from found order by what, name, since, position, why
