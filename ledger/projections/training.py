"""`steps` and `epochs`: training, one row a metric and step."""

from ledger.projections.base import Projection

STEPS = Projection(
    name="steps",
    columns=(
        ("position", "ubigint", "position of the step"),
        ("run", "varchar", "the run"),
        ("reported", "boolean", "whether others reported it"),
        ("step", "bigint", "number of the step, 0-based"),
        ("metric", "varchar", "name of the metric"),
        ("value", "double", "its value"),
    ),
    select="""
        select position, run, reported, step, metric.key, try_cast(metric.value as double)
        from (
            select position, entry->>'$.body.run' as run, kind = 'step.reported' as reported,
                   (entry->>'$.body.step')::bigint as step,
                   unnest(map_entries(from_json(entry->'$.body.metrics',
                                                '"MAP(VARCHAR, VARCHAR)"'))) as metric
            from slice where kind in ('step.taken', 'step.reported')
        )
    """,
)

EPOCHS = Projection(
    name="epochs",
    columns=(
        ("position", "ubigint", "position of the epoch"),
        ("run", "varchar", "the run"),
        ("epoch", "bigint", "number of the epoch, 0-based"),
        ("train_loss", "double", "training loss, nats a token"),
        ("val_loss", "double", "held-out loss, nats a token"),
        ("wall_seconds", "double", "wall time in seconds"),
        ("tokens_seen", "bigint", "tokens seen up to its end"),
        ("grad_norm_max", "double", "largest gradient norm before clipping"),
        ("optimizer_state_sha", "varchar", "digest of the optimizer state as stated"),
    ),
    select="""
        select position, entry->>'$.body.run', (entry->>'$.body.epoch')::bigint,
               try_cast(entry->>'$.body.train_loss' as double),
               try_cast(entry->>'$.body.val_loss' as double),
               try_cast(entry->>'$.body.wall_seconds' as double),
               (entry->>'$.body.tokens_seen')::bigint,
               try_cast(entry->>'$.body.grad_norm_max' as double),
               entry->>'$.body.optimizer_state_sha'
        from slice where kind = 'epoch.reported'
    """,
)
