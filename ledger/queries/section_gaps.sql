-- Numbers of sections and versions of a specification that are missing, or were given twice.
-- column what: section or version
-- column found: missing, twice, or out of chain (it does not begin where any version ended)
-- column first: the number or version
-- column last: the last of several that are missing
-- column reported: whether others gave the numbers, and not this ledger
-- column position: position of the registration that shows it
-- example: ledger query section_gaps
with numbered as (
    select 'section' as what, regexp_extract(section, '^§(\d+)$', 1) as number, true as reported,
           min(position) as position
    from sections s
    where regexp_matches(section, '^§\d+$')
        and not exists (from off_main o where s.position between o.first and o.last)
    group by section
    union all
    select 'section', section, false, position from section_revisions r
    where slug is not null and not contains(section, ':')
        and not exists (from off_main o where r.position between o.first and o.last)
    union all
    select 'version', to_version::varchar, false, position from publications p
    where not contains(section, ':')
        and not exists (from off_main o where p.position between o.first and o.last)
),
placed as (
    select what, try_cast(number as bigint) as number, reported, position from numbered
    where try_cast(number as bigint) is not null
),
following as (
    select *, lag(number) over (partition by what, reported order by number, position) as before
    from placed
),
versions as (
    select section, from_version, to_version, position from sections s
    where to_version is not null
        and not exists (from off_main o where s.position between o.first and o.last)
),
found as (
    select what, 'missing' as found, (before + 1)::varchar as first,
           if(number - before > 2, (number - 1)::varchar, null) as last, reported, position
    from following where number - before > 1
    union all
    select what, 'missing', '1', if(number > 2, (number - 1)::varchar, null), reported, position
    from following where before is null and number > 1 and not reported
    union all
    select what, 'twice', number::varchar, null, reported, position
    from following where number = before
    union all
    select 'version', 'twice', to_version, null, true, max(position) from versions
    where section not like 'banner%' group by to_version having count(distinct section) > 1
    union all
    select 'version', 'out of chain', v.from_version, null, true, min(v.position) from versions v
    where v.from_version is not null
        and not exists (from versions w where w.to_version = v.from_version)
    group by v.from_version
)
select what, found, first, last, reported, position from found
order by reported, position, what, found, first
