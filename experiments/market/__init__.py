"""Scenarios about a market of merchants and a platform.

Enters: a scenario with `kind = "market"` (`scenario`). Leaves: runs in the same run store, executed by the same
workers, resumed and exported like any others. A run is one arm with all seeds; arms meet the same consumers, products
and shocks seed by seed, so that what differs between two arms is what their rules do.

    from experiments import execute, load_scenario

    summary = execute(load_scenario("market_regimes"), store="runs")
"""
