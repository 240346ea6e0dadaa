"""The `artgrab` command: the only place that knows all stages."""
