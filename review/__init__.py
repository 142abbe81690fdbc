"""FiftyOne sessions over a dataset. Nothing is offered here yet; verdicts live in maskmill.shards."""
