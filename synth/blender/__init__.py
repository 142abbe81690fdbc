"""The part of maskmill that runs inside Blender's interpreter: bpy, numpy, standard library.

The library never imports what needs bpy; it starts `__main__.py` in Blender's own Python.
"""
