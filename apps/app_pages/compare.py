"""Two arms or runs side by side, also of two scenarios of one kind."""

from apps.opened_store import opened_store
from apps.research.compare_view import show_comparison

show_comparison(opened_store())
