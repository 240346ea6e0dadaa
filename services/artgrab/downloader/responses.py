"""An HTTP/1.1 answer while it comes (RFC 9112): parsed by llhttp, each part of it bounded.

Nothing here waits or sends, so that whatever a site could say can be tried without one.
"""

import re
from collections.abc import Callable

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

from artgrab.downloader.bodies import Body, Room
from artgrab.downloader.errors import FetchError

SCRATCH_BYTES = 64 * 1024
"""Bytes that may come in a row and be no body: a head, trailers, the framing of a chunk."""
_MAX_FIELDS = 128
"""Of a head, and of trailers."""
_FRAMED = 2
"""All that comes may be so many times longer than the body that is wanted."""
_BLANKS = b" \t"
_NO_TEXT = re.compile(rb"[\0\r\n]")
_SWITCHING_PROTOCOLS = 101


class Response:
    """What came of an answer; a connection puts bytes into its `buffer` and feeds them to it."""

    def __init__(self, scratch: memoryview, room: Room) -> None:
        """Begin with nothing.

        Args:
            scratch: SCRATCH_BYTES that others use as well, but not between `buffer` and `feed`.
            room: as Body takes it.
        """
        self.status = 0
        """0 until the head is complete."""
        self.headers = CIMultiDict[str]()
        self.is_complete = False
        self._is_last = False
        """Whether nothing can come on the connection after it."""
        self._room = room
        self.body = Body(None, "", room)
        """Only once the head is complete."""
        self._scratch = scratch
        self._parser = HttpResponseParser(self)
        """The two keep each other, and the body, in memory until `close`."""
        self._parser.set_dangerous_leniencies(  # towards what browsers take as well
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._parsed: list[bytes] = []
        """Of the body, not yet kept."""
        self._has_body = False
        self._came = 0
        self._beside = 0
        """Bytes since the last one of the body."""
        self._fields = 0
        self._interims = 0

    @property
    def has_begun(self) -> bool:
        """Whether anything came at all."""
        return self._came > 0

    @property
    def is_due(self) -> bool:
        """Whether what is waited for is there: the head, or what is wanted of the body."""
        return self.is_complete or bool(self.status and (self.body.is_full or not self.body.limit))

    @property
    def can_be_followed(self) -> bool:
        """Whether another request can be sent where this one was."""
        return self.is_complete and not self._is_last

    @property
    def is_enough(self) -> bool:
        """Whether nothing more is to be read for the time being."""
        return self.status > 0 and not self.is_complete and self.body.is_full

    def buffer(self) -> memoryview:
        """Return where the next bytes are to be put, at least one; for them alone."""
        room = self.body.buffer() if self._is_direct else None
        return room or self._scratch[self._beside :]

    def feed(self, count: int) -> None:
        """Take so many bytes that were put into the buffer.

        Raises:
            FetchError: bad-answer or too-large; cut-off where it cannot be decompressed.
            Exception: whatever `take` raises.
        """
        self._came += count
        if self.is_complete:
            self._is_last = True  # nobody asked for more
        elif self._is_direct:
            self._take_directly(count)
        else:
            self._parse(self.buffer()[:count])

    def want(self, limit: int, take: Callable[[int], None]) -> None:
        """Want so much of the body, as Body.want has it."""
        self.body.want(limit, take)
        if self.is_complete:
            self.body.check_end()

    def end(self, *, is_clean: bool) -> None:
        """Take it that nothing more comes.

        Args:
            is_clean: the other side ended it, and nothing tore.

        Raises:
            FetchError: reset or cut-off where that is not the end of the answer.
        """
        if self.is_complete:
            return
        if not self.status:
            raise FetchError("reset", passing=True)
        if not is_clean or self._is_framed or self.body.length is not None:
            raise FetchError("cut-off", passing=True)
        self.is_complete = True
        self._keep()

    def close(self) -> None:
        """Take nothing any more."""
        vars(self).pop("_parser", None)

    @property
    def _is_framed(self) -> bool:
        return "chunked" in self.headers.get("Transfer-Encoding", "").lower()

    @property
    def _is_direct(self) -> bool:
        """Whether all that is still to come is body."""
        return self.status > 0 and self.body.is_direct and not self.is_complete

    def _take_directly(self, count: int) -> None:
        left = self.body.left
        self.body.took(min(count, left))
        self.is_complete = count >= left
        self._is_last |= count > left

    def _parse(self, data: memoryview) -> None:
        had_head = self.status > 0
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_last = True
        except HttpParserError as error:
            self._is_last = True
            if not self.is_complete:  # else it is about what comes behind
                raise self._misunderstood() from error
        self._check_bounds()
        if self.status and not had_head:
            self.body = Body(self._length(), self.headers.get("Content-Encoding", ""), self._room)
        self._keep()

    def _check_bounds(self) -> None:
        if self.is_complete:
            self._beside = 0
        if self._beside >= SCRATCH_BYTES:
            raise FetchError("too-large" if self.status or self._interims else "bad-answer")
        if self.body.limit and self._came > SCRATCH_BYTES + _FRAMED * self.body.limit:
            raise FetchError("too-large")

    def _misunderstood(self) -> FetchError:
        """Return what to say of one against the rules; within a body it may be an accident."""
        return FetchError("cut-off", passing=True) if self._has_body else FetchError("bad-answer")

    def _length(self) -> int | None:
        announced = self.headers.get("Content-Length")
        try:
            return None if announced is None or self._is_framed else int(announced)
        except ValueError as error:  # of thousands of digits, all of them noughts
            raise FetchError("bad-answer") from error

    def _keep(self) -> None:
        if self._parsed:
            self.body.keep(b"".join(self._parsed))
            self._parsed.clear()
        if self.is_complete and self.body.limit:
            self.body.check_end()

    # What the parser calls; what these raise ends its parsing.

    def on_message_begin(self) -> None:
        """Forget an interim answer."""
        if self.is_complete:
            raise ValueError("a second answer behind the first")
        self.headers.clear()
        self._fields = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head, leave one of trailers."""
        self._fields += 1
        if self._fields > _MAX_FIELDS or _NO_TEXT.search(value):
            raise ValueError("too many fields, or one of no text")
        if not self.status:
            self.headers.add(_text(name.rstrip(_BLANKS)), _text(value.strip(_BLANKS)))

    def on_headers_complete(self) -> None:
        """Know the head, if it is not an interim one."""
        status = self._parser.get_status_code()
        if status // 100 == 1 and status != _SWITCHING_PROTOCOLS:
            self._interims += 1
            return
        self.status = status
        self._is_last = not self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Hold what came of the body."""
        if not self.status:
            raise ValueError("an interim answer with a body")
        self._has_body = True
        self._beside = 0
        self._parsed.append(data)

    def on_message_complete(self) -> None:
        """Know that all came, if it was not an interim answer."""
        self.is_complete = self.status > 0


def _text(field: bytes) -> str:
    return field.decode("utf-8", "surrogateescape")
