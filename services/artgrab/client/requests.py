"""How many pictures become few requests."""

from collections.abc import Iterable, Iterator, Sequence

from artgrab.client.answers import Prediction
from artgrab.common.errors import SurroundingsError
from artgrab.v1 import predict_service_pb2 as pb

REQUEST_BYTES = 8 * 1024**2
"""Pictures of one request together, unless one alone is larger: a quarter of a server's limit."""
PICTURE_BYTES = 31 * 1024**2
"""Of one picture: what a server takes in one request (32 MiB), less the request's own bytes."""

TOO_LARGE = Prediction(error=f"The picture is larger than {PICTURE_BYTES // 1024**2} MiB.")


def split(
    pictures: Iterable[bytes], *, max_pictures: int, max_bytes: int = REQUEST_BYTES
) -> Iterator[list[bytes]]:
    """Yield the pictures in order, in lists that fit a request.

    Args:
        pictures: read no further than the next list needs.
        max_pictures: in one list.
        max_bytes: of one list, unless it holds a single picture.
    """
    batch: list[bytes] = []
    size = 0
    for picture in pictures:
        weight = len(picture) if is_sent(picture) else 0
        if batch and (len(batch) == max_pictures or size + weight > max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(picture)
        size += weight
    if batch:
        yield batch


def is_sent(picture: bytes) -> bool:
    """Tell whether a picture is small enough for any request."""
    return len(picture) <= PICTURE_BYTES


def build_request(batch: Sequence[bytes]) -> pb.PredictRequest:
    """Return a request for the pictures of a list that can be sent at all."""
    return pb.PredictRequest(pictures=[picture for picture in batch if is_sent(picture)])


def answers_in_order(batch: Sequence[bytes], answers: Sequence[Prediction]) -> list[Prediction]:
    """Return an answer for every picture of a list: the server's, or TOO_LARGE where not sent.

    Raises:
        SurroundingsError: the server answered for more or fewer pictures than were sent.
    """
    if len(answers) != sum(map(is_sent, batch)):
        raise SurroundingsError("the predict server left pictures out; is it of this version?")
    answered = iter(answers)
    return [next(answered) if is_sent(picture) else TOO_LARGE for picture in batch]
