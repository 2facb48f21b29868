"""The page Market and the results of markets: rules, regimes, logs and verdicts."""
