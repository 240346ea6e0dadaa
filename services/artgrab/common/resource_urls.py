"""URLs as people write them into documents: stricter than what the web is allowed to say."""

import re
from urllib.parse import urlsplit

from yarl import URL

from artgrab.common.errors import BadInputError
from artgrab.common.urls import normalise_url

QUERY = "{query}"
"""Stands for the query in the address of a gallery."""

_BRACES = re.compile(r"\{[^{}]*\}?|\}")
_PORT = re.compile(r":([^:\[\]]+)$")
_LONGEST_LABEL = 63
"""Of a name, between two dots (RFC 1035, 2.3.4)."""


def check_page_url(url: str) -> str:
    """Return the address of a page; its path and query may hold {query}.

    Raises:
        ValueError: it is no address to write down.
    """
    if QUERY in _authority(url):
        raise ValueError(f"the host cannot hold {QUERY}; put it into the path or behind a ?")
    return _check(url, url.replace(QUERY, "query"), advice=f"write {QUERY} for the query")


def check_api_url(url: str) -> str:
    """Return the address of an API, which gets its queries as parameters.

    Raises:
        ValueError: it is no address to write down.
    """
    return _check(url, url, advice="leave it out, the API is asked for each query by itself")


def _check(url: str, filled: str, *, advice: str) -> str:
    authority = _authority(url)
    if "@" in authority:
        raise ValueError("leave out user and password: records and logs show addresses")
    if braces := _BRACES.findall(filled):
        raise ValueError(f"{braces[0][:40]} is not known in an address; {advice}")
    port = _PORT.search(authority)
    if port and not (port[1].isascii() and port[1].isdecimal() and 0 < int(port[1]) < 65536):
        raise ValueError(f"the port must be a number from 1 to 65535; it is {port[1][:20]}")
    try:
        parts = URL(normalise_url(filled))
    except (BadInputError, ValueError) as error:
        raise ValueError(str(error)) from error
    labels = (parts.raw_host or "").split(".")
    if ".." in authority or not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError(f"the host {(parts.raw_host or '')[:60]} is no name of the DNS")
    return url


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # brackets that are no IPv6 address; told by normalise_url
        return ""
