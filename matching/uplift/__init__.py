"""Whom to advertise to: how many conversions a ranking of people gains that would not have come otherwise.

Enters: scores of people, with their true uplift, as in simulations. Leaves: conversions gained for each 1,000
advertised to, the Qini curve, and the area of which the Qini coefficient is a share.

    from matching.uplift import gained_per_1000, qini_area

    print(gained_per_1000(scores, uplift, share=0.2), qini_area(scores, uplift) / qini_area(uplift, uplift))
"""

from matching.uplift.gain import gained_per_1000
from matching.uplift.qini import qini_area, qini_curve

__all__ = ["gained_per_1000", "qini_area", "qini_curve"]
