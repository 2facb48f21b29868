"""The pages Compliance, Rules and People: who may read what, logs, budgets, reports, rules, rights of a person."""
