"""`artgrab predict`: its options; light, as every call loads it."""

from pathlib import Path
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
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", envvar="ARTGRAB_TOKEN_FILE", help="Holds the token of that server."
        ),
    ] = None,
    root_certificates: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="ARTGRAB_ROOT_CERTIFICATES",
            help="PEM of who signs for that server; public authorities where absent.",
        ),
    ] = None,
    plaintext: Annotated[
        bool,
        typer.Option("--plaintext", help="Without TLS, as is usual on this machine; no token."),
    ] = False,
    output: Annotated[RowOutput, typer.Option(help="How answers are written.")] = RowOutput.TABLE,
) -> None:
    """Ask a served model what pictures show; one that cannot be read is a row with its error."""
    from artgrab.cli.questions import Model, ask_about, target_of

    model = Model(store=store, namespace=namespace, classifier=classifier)
    target = target_of(
        endpoint,
        token_file=token_file,
        root_certificates=root_certificates,
        plaintext=plaintext,
    )
    ask_about(images, target=target, model=model, output=output)
