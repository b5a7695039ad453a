"""`comparisons`, `comparison_points`: two traces held against each other."""

from ledger.projections.base import Projection

COMPARISONS = Projection(
    name="comparisons",
    columns=(
        ("position", "ubigint", "position of the comparison (its first part)"),
        ("hash", "varchar", "entry hash"),
        ("run", "varchar", "the run that compared"),
        ("run_a", "varchar", "run of the reference"),
        ("run_b", "varchar", "run held against it"),
        ("result", "varchar", "the answer"),
        ("identity_differences", "json", "identity fields that differ, with the fix"),
        ("path_differences", "json", "path fields that differ"),
        ("threshold", "double", "row distance above which a point is divergent"),
        ("first_point", "varchar", "first divergent point; null if none"),
        ("first_layer", "integer", "its layer"),
        ("first_distance", "double", "its largest row distance"),
    ),
    select="""
        select position, hash, entry->>'$.body.run', entry->>'$.body.run_a',
               entry->>'$.body.run_b', entry->>'$.body.result',
               entry->'$.body.identity_differences', entry->'$.body.path_differences',
               try_cast(entry->>'$.body.threshold' as double),
               entry->>'$.body.first_divergence.point',
               (entry->>'$.body.first_divergence.layer')::integer,
               try_cast(entry->>'$.body.first_divergence.distance' as double)
        from slice where kind = 'comparison.made' and (entry->>'$.body.part')::int = 0
    """,
)

COMPARISON_POINTS = Projection(
    name="comparison_points",
    columns=(
        ("position", "ubigint", "position of the comparison"),
        ("run", "varchar", "the run that compared"),
        ("ordinal", "bigint", "order of computation within the part"),
        ("point", "varchar", "capture point"),
        ("layer", "integer", "layer; null for the model's own points"),
        ("median_distance", "double", "median row distance"),
        ("max_distance", "double", "largest row distance"),
        ("max_row", "bigint", "position of the row that has it"),
        ("std_ratio", "double", "ratio of standard deviations, for display"),
    ),
    select="""
        with parts as (
            select position, entry->>'$.body.run' as run,
                   from_json(entry->'$.body.points', '["JSON"]') as points,
                   from_json(entry->'$.body.columns', '["VARCHAR"]') as names,
                   from_json(entry->'$.body.rows', '[["VARCHAR"]]') as rows
            from slice where kind = 'comparison.made'
        ),
        numbered as (select *, unnest(range(1, len(points) + 1)) as i from parts),
        named as (
            select position, run, i, points[i] as p,
                   map_from_entries(list_zip(names, rows[i])) as s
            from numbered
        )
        select position, run, i, p->>0, (p->>1)::integer,
               try_cast(s['median_distance'] as double), try_cast(s['max_distance'] as double),
               try_cast(s['max_row'] as bigint), try_cast(s['std_ratio'] as double)
        from named
    """,
)
