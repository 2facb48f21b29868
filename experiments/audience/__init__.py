"""Scenarios about audiences and insight: who is reached, how well, and what it tells about people.

Enters: a scenario with `kind = "audience"` and a `method` (`methods` lists them, one module each). Leaves: runs in the
same run store, executed by the same workers, resumed and exported like any others. A run is one arm; arms whose figures
were redrawn in the same way are compared draw by draw.

    from experiments import execute, load_scenario

    summary = execute(load_scenario("lookalike"), store="runs")

To add a method: write its module with one `Method`, and add one line to `methods.METHODS`.
"""
