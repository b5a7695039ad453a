"""Code problems and pass@k: problems in files, candidates in a limited process, an estimate.

`problems` reads them, `samples` reads or generates candidates, `execution` and `child` run one,
`control` runs what has a known score, `estimator` and `scoring` make the number.
"""
