"""Why people choose one product over another: choice models, what attributes are worth, what a change would do.

Enters: who chose what among which alternatives (`Choices`). Leaves: estimates with standard errors (`Fit`), willingness
to pay, shares before and after a change of a product, each with an interval.

    from simulation.choice import Choices, change, fit_logit, worth
    fit = fit_logit(choices)                                # multinomial logit
    print(fit.table(), worth(fit, "absorbency", price="price"))
    print(change(fit, choices, "ours", {"absorbency": +1.0}).gain_pct)

Mixed logit, where tastes differ, is `simulation.choice.mixed`.
"""

from simulation.choice.change import Changed, change
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit
from simulation.choice.logit import fit_logit, log_likelihood
from simulation.choice.needed import ends_of, needed_draws, needed_weight, worth_of_needed
from simulation.choice.worth import Worth, worth

__all__ = [
    "Changed",
    "Choices",
    "Fit",
    "Worth",
    "change",
    "ends_of",
    "fit_logit",
    "log_likelihood",
    "needed_draws",
    "needed_weight",
    "worth",
    "worth_of_needed",
]
