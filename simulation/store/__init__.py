"""One store on one day: shoppers walk, pick, meet displays, queue and pay.

Enters: a plan (`plan`), parameters with their sources (`parameters`), demand (`demand`). Leaves: what happened to every
shopper (`outcome`), figures (`kpi`), comparisons of layouts with intervals (`compare`), heat maps (`heat`).

Seconds are counted from opening time, lengths are in metres, money is in the data's currency. All randomness is in
`Demand`, drawn before the layout is known, so that two layouts meet the same shoppers.
"""
