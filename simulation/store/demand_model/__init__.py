"""What shoppers of a kind of store want: learnt from real trips, drawn for any day.

Enters: trips of the Complete Journey, or a merchant's own tables. Leaves: `Demand`, one day's shoppers.

    from simulation.store.demand_model import complete_journey_demand

    model = complete_journey_demand()
    demand = model.draw(0, seed=1, shoppers=2000, hours=(8, 22))
    demand.shoppers, demand.items.sum()
"""

from simulation.store.demand_model.complete_journey import complete_journey_demand
from simulation.store.demand_model.folder import folder_demand
from simulation.store.demand_model.model import MOST_SHOPPERS, DemandModel
from simulation.store.demand_model.trips import Trips

__all__ = ["MOST_SHOPPERS", "DemandModel", "Trips", "complete_journey_demand", "folder_demand"]
