-- Digests of optimizer states that stand in more than one epoch: one state, several losses.
-- param run text: only digests that this run states
-- column digest: the digest as stated
-- column run: a run that states it
-- column epoch: number of the epoch
-- column train_loss: training loss of the epoch, nats a token
-- column val_loss: held-out loss of the epoch, nats a token
-- column position: position of the epoch
-- example: ledger query run_state_hashes --run 4x-20k
with again as (
    select optimizer_state_sha as digest from epochs
    where optimizer_state_sha is not null
    group by optimizer_state_sha having count(distinct (run, epoch)) > 1
)
select e.optimizer_state_sha as digest, e.run, e.epoch, e.train_loss, e.val_loss, e.position
from epochs e
where e.optimizer_state_sha in (select digest from again)
  and (getvariable('run') is null
       or e.optimizer_state_sha in (select optimizer_state_sha from epochs where run = getvariable('run')))
order by e.optimizer_state_sha, e.position
