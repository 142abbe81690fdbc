"""Blender pairs with exact alpha, and composites. Nothing is offered here yet."""

__all__: list[str] = []
