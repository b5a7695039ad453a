-- Next actions, the newest first, and what became of each.
-- param section text: only those that follow from this section
-- param state text: only those that are open, done or refuted
-- column action: number of the action
-- column section: the section that it follows from
-- column text: what is to be done
-- column version: version of the specification when it was stated
-- column state: open, done, or refuted
-- column outcome: what came of it, or why it was refuted
-- column hash: entry hash of the statement
-- column stands_at: position of the statement
-- column position: position of the latest word on it
-- example: ledger query section_actions --state open
with found as (
    select a.action, a.section, a.text,
           (select max(p.to_version) from publications p where p.position < a.position
                and not exists (from off_main o where p.position between o.first and o.last)
           ) as version,
           case when r.entry is not null then 'refuted'
                when d.action is not null then 'done' else 'open' end as state,
           coalesce(e.entry->>'$.body.reason', d.text) as outcome, a.hash,
           greatest(a.position, coalesce(d.position, 0), coalesce(r.position, 0)) as position,
           a.position as stands_at
    from next_actions a
        left join (
            select action, arg_min(text, position) as text, min(position) as position
            from next_actions d
            where is_done and not exists (from off_main o where d.position between o.first and o.last)
            group by action
        ) d on d.action = a.action
        left join (
            select entry, min(position) as position from refutations r
            where not exists (from off_main o where r.position between o.first and o.last)
            group by entry
        ) r on r.entry = a.hash
        left join events e on e.position = r.position
    where not a.is_done
        and not exists (from off_main o where a.position between o.first and o.last)
)
select action, section, text, coalesce(version, 0) as version, state, outcome, hash, stands_at,
       position
from found
where (getvariable('section') is null or section = getvariable('section'))
    and (getvariable('state') is null or state = getvariable('state'))
order by stands_at desc, action
