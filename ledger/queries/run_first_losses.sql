-- A digest of the first training losses of each run, at most 64: equal digests are equal losses.
-- param run text: only runs whose losses equal those of this run
-- column run: the run
-- column reported: whether others reported it
-- column source: steps or epochs, whichever states the losses
-- column digest: digest of the losses, in their order
-- column losses: how many they are
-- column distinct_losses: how many different values are among them
-- column position: position of the last of them
-- example: ledger query run_first_losses
with stated as (
    select run, reported, 'steps' as source, step as place, value, position from steps
    where step < 64 and metric in ('loss', 'train_loss') and value is not null
    union all
    select run, true, 'epochs', epoch, train_loss, position from epochs
    where epoch < 64 and train_loss is not null
),
digests as (
    select run, reported, source,
           md5(string_agg(place::varchar || ' ' || value::varchar, ',' order by place, position)) as digest,
           count(*) as losses, count(distinct value) as distinct_losses, max(position) as position
    from stated group by run, reported, source
)
select run, reported, source, digest, losses, distinct_losses, position
from digests
where getvariable('run') is null
   or digest in (select digest from digests where run = getvariable('run'))
order by position, run, source
