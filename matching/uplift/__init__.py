"""Whom to advertise to: how many conversions a ranking of people gains that would not have come otherwise.

Enters: scores of people, with their true uplift (in simulations) or the outcomes of a trial in which a coin decided
who was advertised to. Leaves: conversions gained for each 1,000 advertised to, and the Qini curve and coefficient.

    from matching.uplift import gained_per_1000, qini_of_truth

    print(gained_per_1000(scores, uplift, share=0.2), qini_of_truth(scores, uplift))
"""

from matching.uplift.gain import gained_per_1000
from matching.uplift.qini import qini_area, qini_curve, qini_of_trial, qini_of_truth

__all__ = ["gained_per_1000", "qini_area", "qini_curve", "qini_of_trial", "qini_of_truth"]
