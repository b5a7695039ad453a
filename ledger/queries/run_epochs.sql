-- Epochs of runs that others reported, with everything a monitor reads.
-- param run text: the run; all where left out
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
select run, epoch, train_loss, val_loss, wall_seconds, tokens_seen, grad_norm_max,
       optimizer_state_sha, position
from epochs
where getvariable('run') is null or run = getvariable('run')
order by run, epoch, position
