"""What the release gate is made of: questions, bounds per person, plans of noise, stored answers.

Enters: a question (`Query`), rows, bounds.
Leaves: bounded counts before noise, what noise a price buys, answers that were released before. Nothing here draws
noise or lets a number out: `privacy.release` does.

    query = read_query(Path("query.toml"))                           # privacy.statistics.query_file
    exact = bounded_counts(rows, query, bounds)                      # privacy.statistics.bounds

`docs/release.md` says how to ask.
"""
