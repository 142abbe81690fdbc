"""Put a clip back on its photograph and solve the alpha it hides. Nothing is offered here yet."""

__all__: list[str] = []
