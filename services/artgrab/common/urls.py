"""URLs: what makes two of them the same, and whose they are."""

import hashlib
import ipaddress
import re
import string
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

from publicsuffixlist import PublicSuffixList
from yarl import URL

from artgrab.common.errors import BadInputError

MAX_URL_LENGTH = 8192
"""Characters; longer ones are refused (RFC 9110, 4.1 asks servers to take 8000)."""

_CONTROL = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d+)?")
"""Names as they go into DNS; mapping to them (IDNA) can leave spaces and other odd characters."""
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NORMAL_PATH = re.compile(r"(?:[^%]++|%(?:2[0-9A-CF]|[89A-F][0-9A-F]))*+")
"""Without escapes but of bytes beyond ASCII and of marks; those stay as they are."""
_NAME = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_LABELS = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
"""Labels of up to 63 characters, 253 together (RFC 1035, 2.3.4); the last one is no number."""
_MAX_NAME_LENGTH = 253
"""Characters (RFC 1035, 2.3.4); what is longer is no name, and is not kept in memory."""
_suffixes = PublicSuffixList()
_icann_suffixes = PublicSuffixList(only_icann=True)


def parse_url(text: str, *, encoded: bool = False) -> URL:
    """Return a URL; yarl 1.25 trips over some that are none, as `//[::1]@/`.

    Raises:
        ValueError: it is none.
    """
    try:
        return URL(text, encoded=encoded)
    except IndexError as error:
        raise ValueError(*error.args) from error


def normalise_url(url: str) -> str:
    """Return the one spelling of an http(s) URL that stands for all equal ones.

    Scheme and host are lower-cased, default port and fragment dropped, percent-encoding of the
    path normalised (RFC 3986, 6.2.2); the query is kept as it is, because servers sign it.

    Raises:
        BadInputError: not an absolute http or https URL with a host, or too long.
    """
    _check_length(url)
    return url if _normal_host(url) else normalise_any(url)


def normalise_any(url: str) -> str:
    """As normalise_url, without a look at whether there is anything to do; 15 times as slow."""
    if _CONTROL.search(url):
        raise BadInputError("URL holds spaces or control characters; percent-encode them")
    try:
        origin = parse_url(url).origin() if "://" in url else URL()
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInputError(f"not a URL: {error}") from error
    if origin.scheme not in ("http", "https") or not origin.raw_host:
        raise BadInputError("not an absolute http or https URL")
    if not _HOST_AND_PORT.fullmatch(origin.host_port_subcomponent or ""):
        raise BadInputError("not a URL: its host is no name of the DNS and no address")
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    netloc = user + (origin.host_port_subcomponent or "")
    query = quote(parts.query, safe=_ASCII)
    normal = urlunsplit((origin.scheme, netloc, _normalise_path(parts.path) or "/", query, ""))
    _check_length(normal)  # percent-encoding makes up to twelve characters of one
    return normal


def _normal_host(url: str) -> str:
    """Return the host of a URL that at a glance is its own normal form; empty where it may not be.

    Nearly all URLs of pictures are.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not url.isascii() or not url.isprintable():
        return ""
    host, slash, rest = rest.partition("/")
    if not slash or " " in rest or "#" in rest or rest.endswith("?"):
        return ""
    if len(host) > _MAX_NAME_LENGTH or not _is_name(host):
        return ""
    path = rest.partition("?")[0]
    return host if "%" not in path or _NORMAL_PATH.fullmatch(path) else ""


@lru_cache(maxsize=65536)
def _is_name(host: str) -> bool:
    return _NAME.fullmatch(host) is not None


def _check_length(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise BadInputError(f"URL of {len(url)} characters; at most {MAX_URL_LENGTH} are taken")


def _normalise_path(path: str) -> str:
    return _ESCAPE.sub(_normalise_escape, quote(path, safe=_ASCII))


def _normalise_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def candidate_id(url: str) -> bytes:
    """Return the 32 bytes that identify a picture's URL: SHA-256 of its normalised form.

    Raises:
        BadInputError: as normalise_url.
    """
    return hashlib.sha256(normalise_url(url).encode()).digest()


def registrable_domain(host: str) -> str:
    """Return the domain somebody registered (public suffix plus one label), or host itself.

    An address or a bare suffix has no such domain and is returned as it is.
    """
    look_up = _registrable_domain if len(host) <= _MAX_NAME_LENGTH else _look_up
    return look_up(host)


def _look_up(host: str) -> str:
    name = host.lower().rstrip(".")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return _suffixes.privatesuffix(name) or name


_registrable_domain = lru_cache(maxsize=65536)(_look_up)


def site_of(url: str) -> str:
    """Return the registrable domain of a URL; empty where the URL has no host."""
    look_up = _site_of if len(url) <= MAX_URL_LENGTH else _look_up_site
    return look_up(url)


def _look_up_site(url: str) -> str:
    if host := _normal_host(url):
        return registrable_domain(host)
    try:
        return registrable_domain(parse_url(url).raw_host or "")
    except ValueError:
        return ""


_site_of = lru_cache(maxsize=1024)(_look_up_site)
"""A URL is asked about some times on its way, and hardly ever after it."""


def normalise_host(text: str) -> str:
    """Return a host as it stands in DNS (lower case, IDNA, no final dot), or an address.

    Raises:
        BadInputError: not the name of a host, or a suffix below which anybody may register.
    """
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    host = _encoded(text).rstrip(".").lower()
    if not _LABELS.fullmatch(host):
        raise BadInputError("not the name of a host")
    if "." not in host or _icann_suffixes.publicsuffix(host) == host:
        raise BadInputError(f"not one host: anybody may have a name below {host}")
    return host


def _encoded(host: str) -> str:
    try:
        return URL.build(scheme="http", host=host).raw_host or ""
    except ValueError as error:
        raise BadInputError("not the name of a host") from error
