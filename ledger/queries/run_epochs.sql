-- Epochs of runs that others reported, with everything a monitor reads.
-- param run text: the run; all where left out
-- param since integer: only runs that began at this position or later
-- param until integer: only runs that began up to this position
-- grouped by run
-- column run: the run
-- column epoch: number of the epoch, 0-based
-- column train_loss: training loss, nats a token
-- column val_loss: held-out loss, nats a token
-- column wall_seconds: wall time in seconds
-- column tokens_seen: tokens seen up to its end
-- column grad_norm_max: largest gradient norm before clipping
-- column optimizer_state_sha: digest of the optimizer state as stated
-- column position: position of the epoch
-- example: ledger query run_epochs --run 4x-20k
select e.run, e.epoch, e.train_loss, e.val_loss, e.wall_seconds, e.tokens_seen, e.grad_norm_max,
       e.optimizer_state_sha, e.position
from epochs e
where (getvariable('run') is null or e.run = getvariable('run'))
  and (getvariable('since') is null and getvariable('until') is null or e.run in (
      select run from runs
      where reported and position >= coalesce(getvariable('since'), 0)
        and (getvariable('until') is null or position <= getvariable('until'))))
order by e.run, e.epoch, e.position
