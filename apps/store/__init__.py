"""The page Store: a plan with its heat map, what a change does, saved variants, own traces, and searches."""
