"""Simulations of a retail world: stores with shoppers and tills; later warehouses and a market of merchants."""
