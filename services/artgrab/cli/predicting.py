"""`artgrab predict`: its options; light, as every call loads it."""

from typing import Annotated

import typer

from artgrab.cli import completion
from artgrab.cli.options import DEFAULT_STORE, Namespace, RowOutput, StoreUri

EXAMPLES = (
    "Example: artgrab predict cat.jpg photos/ 'scans/**/*.png' --endpoint 127.0.0.1:8500\n\n"
    "Example: artgrab predict photos/ --classifier art-or-not --output csv"
)


def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...", help="Pictures, folders, quoted patterns; - reads standard input."
        ),
    ],
    endpoint: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT", envvar="ARTGRAB_ENDPOINT", help="Where a predict server answers."
        ),
    ] = "",
    classifier: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Instead of an endpoint: start this classifier's newest model for this one call.",
            autocompletion=completion.classifiers,
        ),
    ] = "",
    store: StoreUri = DEFAULT_STORE,
    namespace: Namespace = "default",
    output: Annotated[RowOutput, typer.Option(help="How answers are written.")] = RowOutput.TABLE,
) -> None:
    """Ask a served model what pictures show; one that cannot be read is a row with its error."""
    from artgrab.cli.questions import Model, ask_about

    model = Model(store=store, namespace=namespace, classifier=classifier)
    ask_about(images, endpoint=endpoint, model=model, output=output)
