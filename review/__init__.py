"""FiftyOne sessions over a dataset. Nothing is offered here yet."""

__all__: list[str] = []
