"""`artgrab status`: its options; light, as every call loads it."""

from artgrab.cli.options import DEFAULT_STORE, Output, OutputOption, StoreUri

EXAMPLES = (
    "Example: artgrab status --store artgrab-store\n\n"
    "Example: artgrab status --store s3://bucket/art --output json"
)


def status(store: StoreUri = DEFAULT_STORE, output: OutputOption = Output.TABLE) -> None:
    """Show what a store holds: categories, datasets, models with their figures, what comes next."""
    from artgrab.cli.status_answer import show_status

    show_status(store, output)
