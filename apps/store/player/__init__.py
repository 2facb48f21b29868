"""Shoppers' walks of a simulated day, played over a plan in the browser."""

from apps.store.player.component import pack, player

__all__ = ["pack", "player"]
