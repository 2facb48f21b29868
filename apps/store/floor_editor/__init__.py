"""A floor plan whose fixtures can be dragged, or moved with the keyboard; what is moved is decided in Python."""

from apps.store.floor_editor.component import floor_editor
from apps.store.floor_editor.variant import Variant, keep, kept_variant

__all__ = ["Variant", "floor_editor", "keep", "kept_variant"]
