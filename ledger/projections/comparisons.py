"""`comparisons`, `comparison_points`: two traces held against each other."""

from ledger.projections.base import Projection

COMPARISONS = Projection(
    name="comparisons",
    kinds=("comparison.made",),
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
        select position, hash, whose || (entry->>'$.body.run'), whose || (entry->>'$.body.run_a'),
               whose || (entry->>'$.body.run_b'), entry->>'$.body.result',
               entry->'$.body.identity_differences', entry->'$.body.path_differences',
               try_cast(entry->>'$.body.threshold' as double),
               entry->>'$.body.first_divergence.point',
               try_cast(entry->>'$.body.first_divergence.layer' as integer),
               try_cast(entry->>'$.body.first_divergence.distance' as double)
        from slice where kind = 'comparison.made' and try_cast(entry->>'$.body.part' as int) = 0
    """,
)

COMPARISON_POINTS = Projection(
    name="comparison_points",
    kinds=("comparison.made",),
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
            select position, whose || (entry->>'$.body.run') as run,
                   from_json(entry->'$.body.points', '["JSON"]') as points,
                   from_json(entry->'$.body.columns', '["VARCHAR"]') as names,
                   from_json(entry->'$.body.rows', '[["VARCHAR"]]') as rows
            from slice where kind = 'comparison.made'
        ),
        numbered as (select *, unnest(range(1, len(points) + 1)) as i from parts),
        named as (
            -- Not a map: a name that stands twice would make one impossible. The first one counts.
            select position, run, i, points[i] as p,
                   list_transform(['median_distance', 'max_distance', 'max_row', 'std_ratio'],
                                  lambda x: rows[i][list_position(names, x)]) as n
            from numbered
        )
        select position, run, i, p->>0, try_cast(p->>1 as integer), try_cast(n[1] as double),
               try_cast(n[2] as double), try_cast(n[3] as bigint), try_cast(n[4] as double)
        from named
    """,
)
