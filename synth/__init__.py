"""Blender pairs with exact alpha, and composites. Nothing is offered here yet."""
