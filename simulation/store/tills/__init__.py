"""From the tills to the door: which till a shopper joins, how long the queue and the service take, who gives up.

Enters: when shoppers reach the tills, with how many items (`Walked.reach_s`). Leaves: `Served`. Two engines with
the same bytes: `fast` (a recursion over arrivals) and `queues` (SimPy, to be read and extended).

    tills = (TillSpec("lane"), TillSpec("express", max_items=10), TillSpec("self_checkout", servers=4))
    served = fast.serve(reach_s, items, service_z, pay_u, patience_s, tills, StoreSettings.default())
    print(served.wait_s.mean(), served.busy_s / served.staffed_s)
"""

from simulation.store.tills.spec import ALWAYS, TillSpec, plan_tills

__all__ = ["ALWAYS", "TillSpec", "plan_tills"]
