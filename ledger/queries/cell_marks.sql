-- Entries whose numbers do not carry what they seemed to, and why.
-- column mark: refuted, suspect, stale or post hoc
-- column why: what makes it so, in words
-- column hash: entry hash
-- column position: position of what makes it so
-- example: ledger query cell_marks
with recursive seen as (
    select claim, arg_max(p, position) as p from premises p
    where not exists (from off_main o where p.position between o.first and o.last)
    group by claim
),
expired as (  -- the first entry after its time shows that a premise ran out
    select s.claim, (
        select min(e.position) from events e where epoch_us(e.recorded_at) > s.p.expires_at
    ) as since
    from seen s join fates f on f.claim = s.claim
    where s.p.expires_at is not null and f.fate in ('UNKNOWN', 'SURVIVED')
),
rests(hash, claim, since, depth) as (
    select p.hash, x.claim, x.since, 0 from premises p join expired x on x.claim = p.claim
    where x.since is not null
    union
    select e.from_name, r.claim, r.since, r.depth + 1
    from rests r join edges e on e.to_name = r.hash and e.relation = 'cites'
    where r.depth < 16
),
demands as (
    select name, arg_max(hash, position) as hash, max(position) as position from criteria c
    where not reported and seen is null
        and not exists (from off_main o where c.position between o.first and o.last)
    group by name
),
found as (
    select 'refuted' as mark, 'it was refuted' as why, entry as hash, min(position) as position
    from refutations r
    where not exists (from off_main o where r.position between o.first and o.last)
    group by entry
    union all
    select 'suspect', why, hash, by_position from fallen
    where hash not in (select entry from refutations)
    union all
    select 'suspect', why, hash, by_position from suspects
    union all
    select 'stale', claim || ' ran out', hash, since from rests where depth > 0
    union all
    select 'stale', 'it was judged by an earlier demand', s.hash, d.position
    from statuses s join demands d on d.name = s.name and d.hash <> s.declaration
    where s.about = 'row' and not s.reported and not s.post_hoc
    union all
    select 'post hoc', 'the threshold moved after it was seen', unnest([s.hash, s.evidence]),
           s.position
    from statuses s
    where s.post_hoc and not exists (from off_main o where s.position between o.first and o.last)
    union all
    select 'post hoc', 'it moved after a result was seen', hash, position from criteria c
    where seen is not null
        and not exists (from off_main o where c.position between o.first and o.last)
)
select mark, min(why) as why, hash, min(position) as position from found
where hash is not null
group by mark, hash
order by hash, array_position(['refuted', 'suspect', 'stale', 'post hoc'], mark)
