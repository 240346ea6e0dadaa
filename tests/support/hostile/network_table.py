"""Hostile URLs, names, redirects and answers, and what is to be recorded of each."""

import gzip
import zlib

from tests.support.drawn import jpeg
from tests.support.hostile.behaviours import (
    CHUNKED,
    DEAF,
    GOOD,
    NO_ANSWER,
    NO_NAME,
    OK,
    PRIVATE,
    RESETTING,
    SILENT,
    Behaviour,
    End,
    Says,
    announced,
    answer,
    redirect,
    resolving,
)

_CLOSED = Says(answer(b"", "Connection: close", status="404 Not Found"))
_FILES = {"/robots.txt": _CLOSED, "/.well-known/tdmrep.json": _CLOSED}
_FORGETFUL = {**_FILES, "/a.jpg": Says(answer(jpeg(), "Connection: close"))}
"""No connection serves twice, so that each request looks the name up again."""
_PICTURE = Says(answer(jpeg()))
_BAD_LINK = "INVALID_ARGUMENT"
"""The stream of whoever sends such a candidate is closed; nothing is recorded."""


def _url(name: str, url: str, expected: str) -> Behaviour:
    return Behaviour(name, expected, url=url)


def _dns(name: str, expected: str, *answers: tuple[str, ...]) -> Behaviour:
    """Return a site on the web's own port, where only its address speaks against it."""
    url = "http://{host}/a.jpg"
    return Behaviour(name, expected, picture=jpeg, url=url, names=resolving(*answers))


def _to(name: str, location: str, expected: str, *headers: str) -> Behaviour:
    return Behaviour(name, expected, redirect(location, *headers))


def _says(name: str, expected: str, begin: bytes, endlessly: bytes = b"") -> Behaviour:
    return Behaviour(name, expected, Says(begin, endlessly))


def _resets(name: str, expected: str, begin: bytes) -> Behaviour:
    return Behaviour(name, expected, Says(begin, end=End.RESET))


def _drips(name: str, expected: str, begin: bytes, drop: bytes = b"") -> Behaviour:
    """Return a site that says a drop five times a second, or nothing any more."""
    says = Says(begin, drop, pause=0.2) if drop else Says(begin, end=End.HANG)
    return Behaviour(name, expected, says, outlasts=True)


URLS = (
    _url("scheme-file", "file:///etc/passwd", _BAD_LINK),
    _url("scheme-data", "data:image/gif;base64,R0lGODlhAQABAAAAACw=", _BAD_LINK),
    _url("scheme-ftp", "ftp://ftp.test/a.jpg", _BAD_LINK),
    _url("scheme-javascript", "javascript:alert(1)", _BAD_LINK),
    _url("scheme-gopher", "gopher://127.0.0.1:6379/_FLUSHALL", _BAD_LINK),
    _url("scheme-missing", "//host.test/a.jpg", _BAD_LINK),
    _url("url-of-9000-characters", "http://{host}/" + "a" * 9000, _BAD_LINK),
    _url("url-with-newline", "http://{host}/a\r\nX-Injected: 1", _BAD_LINK),
    _url("url-with-backslash", "http://{host}\\@other.test/a.jpg", _BAD_LINK),
    _url("host-percent-encoded", "http://127%2e0%2e0%2e1/a.jpg", _BAD_LINK),
    _url("ipv6-scope", "http://[fe80::1%25lo]/a.jpg", _BAD_LINK),
    _url("userinfo", "http://user:secret@{host}:{port}/a.jpg", "FAILED userinfo"),
    _url("userinfo-disguise", "http://good.test@127.0.0.2:{port}/a.jpg", "FAILED userinfo"),
    _url("port-22", "http://{host}:22/a.jpg", "FAILED port"),
    _url("port-0", "http://{host}:0/a.jpg", "FAILED port"),
    _url("port-6379", "http://{host}:6379/a.jpg", "FAILED port"),
    _url("loopback", "http://127.0.0.2:{port}/a.jpg", "FAILED private-address"),
    _url("loopback-trailing-dot", "http://127.0.0.6.:{port}/a.jpg", "FAILED private-address"),
    _url(
        "loopback-by-idna",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
        "FAILED private-address",
    ),
    _url("loopback-decimal", "http://2130706434:{port}/a.jpg", "FAILED bad-url"),
    _url("loopback-octal", "http://0177.0.0.2:{port}/a.jpg", "FAILED bad-url"),
    _url("loopback-hex", "http://0x7f000002:{port}/a.jpg", "FAILED bad-url"),
    _url("loopback-hex-part", "http://0x7f.0.0.2:{port}/a.jpg", "FAILED bad-url"),
    _url("loopback-short", "http://127.2:{port}/a.jpg", "FAILED bad-url"),
    _url("loopback-name", "http://localhost/a.jpg", "FAILED private-address"),
    _url("loopback-ipv6", "http://[::1]/a.jpg", "FAILED private-address"),
    _url("loopback-mapped", "http://[::ffff:127.0.0.2]:{port}/a.jpg", "FAILED private-address"),
    _url("loopback-nat64", "http://[64:ff9b::7f00:2]/a.jpg", "FAILED private-address"),
    _url("loopback-6to4", "http://[2002:7f00:2::]/a.jpg", "FAILED private-address"),
    _url("loopback-teredo", "http://[2001:0:101:101::80ff:fffd]/a.jpg", "FAILED private-address"),
    _url("metadata", "http://169.254.169.254/latest/meta-data/", "FAILED private-address"),
    _url("unspecified", "http://0.0.0.0/a.jpg", "FAILED private-address"),
    _url("broadcast", "http://255.255.255.255/a.jpg", "FAILED private-address"),
)

NAMES = (
    Behaviour("name-trailing-dot", "STORED", url="http://{host}.:{port}/a.jpg", picture=jpeg),
    Behaviour("name-idna", "STORED", url="http://n\u00e4me-idna.test:{port}/a.jpg", picture=jpeg),
    _dns("dns-private", "FAILED private-address", ("10.1.2.3",)),
    _dns("dns-loopback", "FAILED private-address", (PRIVATE,)),
    _dns("dns-metadata", "FAILED private-address", ("169.254.169.254",)),
    _dns("dns-mixed", "FAILED private-address", ("1.1.1.1", "192.168.1.1")),
    _dns("dns-mixed-families", "FAILED private-address", ("1.1.1.1", "fd00::1")),
    _dns("dns-mapped", "FAILED private-address", ("::ffff:169.254.169.254",)),
    _dns("dns-nat64", "FAILED private-address", ("64:ff9b::a9fe:a9fe",)),
    _dns("dns-local-nat64", "FAILED private-address", ("64:ff9b:1::1",)),
    _dns("dns-6to4", "FAILED private-address", ("2002:a9fe:a9fe::1",)),
    _dns("dns-teredo", "FAILED private-address", ("2001:0:101:101::5601:5601",)),
    _dns("dns-unique-local", "FAILED private-address", ("fd00:ec2::254",)),
    _dns("dns-scope", "FAILED private-address", ("fe80::1%lo",)),
    _dns("dns-shared-space", "FAILED private-address", ("100.64.0.1",)),
    _dns("dns-flood", "FAILED private-address", (*("1.1.1.1",) * 500, "10.0.0.1")),
    _dns("dns-no-name", "FAILED dns", (NO_NAME,)),
    Behaviour(
        "dns-rebinding",
        "FAILED private-address",
        paths=_FORGETFUL,
        names=resolving((GOOD,), (PRIVATE,)),
    ),
    Behaviour(
        "dns-rebinding-late",
        "FAILED private-address",
        paths=_FORGETFUL,
        names=resolving((GOOD,), (GOOD,), (PRIVATE,)),
    ),
    Behaviour(
        "dns-rebinding-between-check-and-connect",
        "STORED",
        paths=_FORGETFUL,
        names=resolving((GOOD,), (GOOD,), (GOOD,), (PRIVATE,)),
    ),
    Behaviour("dns-silent", "FAILED timeout", names=resolving((NO_ANSWER,)), outlasts=True),
)

REDIRECTS = (
    _to("redirect-loopback", "http://127.0.0.2:{port}/", "FAILED private-address"),
    _to("redirect-private", "http://10.0.0.1/", "FAILED private-address"),
    _to("redirect-metadata", "http://169.254.169.254/latest/", "FAILED private-address"),
    _to("redirect-mapped", "http://[::ffff:a9fe:a9fe]/latest/", "FAILED private-address"),
    _to("redirect-decimal", "http://2852039166/latest/", "FAILED bad-url"),
    Behaviour(
        "redirect-private-name",
        "FAILED private-address",
        redirect("http://inside.redirect-private-name.test:{port}/"),
        names={"inside.redirect-private-name.test": ((PRIVATE,),)},
    ),
    _to("redirect-file", "file:///etc/passwd", "FAILED bad-url"),
    _to("redirect-data", "data:image/gif;base64,R0lGODlhAQABAAAAACw=", "FAILED bad-url"),
    _to("redirect-ftp", "ftp://good.test/a.jpg", "FAILED bad-url"),
    _to("redirect-javascript", "javascript:alert(1)", "FAILED bad-url"),
    _to("redirect-port", "http://good.test:25/", "FAILED port"),
    _to("redirect-userinfo", "http://a:b@good.test:{port}/", "FAILED userinfo"),
    _to("redirect-long", "http://good.test:{port}/" + "a" * 7000, "STORED"),
    _to("redirect-too-long", "http://good.test:{port}/" + "a" * 9000, "FAILED bad-url"),
    _to("redirect-odd-bytes", "http://good.test:{port}/\udcff\udcfe", "STORED"),
    _to("redirect-spaces", "http://good.test:{port}/a b", "FAILED bad-url"),
    _to("redirect-bad-host", "http://a..b_\udcff/", "FAILED bad-url"),
    _to("redirect-open-bracket", "http://[::1", "FAILED bad-redirect"),
    _says("redirect-nowhere", "FAILED bad-redirect", answer(b"", status="302 Found")),
    _to("redirect-circle", "/a.jpg", "FAILED too-many-redirects"),
    Behaviour(
        "redirects-five",
        "STORED",
        redirect("/1"),
        paths={**{f"/{n}": redirect(f"/{n + 1}") for n in range(1, 5)}, "/5": _PICTURE},
    ),
    Behaviour(
        "redirects-six",
        "FAILED too-many-redirects",
        redirect("/1"),
        paths={**{f"/{n}": redirect(f"/{n + 1}") for n in range(1, 6)}, "/6": _PICTURE},
    ),
    _says(
        "redirect-endless-body",
        "STORED",
        b"HTTP/1.1 302 Found\r\nLocation: http://good.test:{port}/4.jpg\r\n\r\n",
        b"a" * 65536,
    ),
    _to("redirect-with-cookie", "http://good.test:{port}/1.jpg", "STORED", "Set-Cookie: a=b"),
    _to("redirect-with-secrets", "http://good.test:{port}/2.jpg", "STORED", "Authorization: x"),
    _to("redirect-to-tls-and-back", "https://tls-hop.test:{tls}/a.jpg", "STORED"),
    _to("redirect-to-bad-tls", "https://tls-bad-name.example.test:{tls}/", "FAILED tls"),
    Behaviour("cookie", "STORED", Says(answer(jpeg(), "Set-Cookie: id=1; Domain=test"))),
)
HOPS = (Behaviour("tls-hop", "", redirect("http://good.test:{port}/3.jpg")),)
"""Sites on the way of others."""

ANSWERS = (
    Behaviour("connect-refused", "FAILED connect", names=resolving((DEAF,))),
    Behaviour("connect-reset", "FAILED reset|FAILED connect", names=resolving((RESETTING,))),
    _resets("reset-before-head", "FAILED reset", b""),
    _resets("reset-in-head", "FAILED reset", b"HTTP/1.1 200"),
    _resets("reset-after-head", "FAILED cut-off", announced(9000, b"")),
    _resets("reset-in-body", "FAILED cut-off", announced(9000, jpeg()[:4000])),
    _says("close-before-head", "FAILED reset", b""),
    _says("close-in-body", "FAILED cut-off", announced(9000, jpeg()[:4000])),
    _says("close-in-chunk", "FAILED cut-off", CHUNKED + b"ffff\r\nabc"),
    _says("length-too-short", "FAILED bad-answer|FAILED truncated", announced(4000, jpeg())),
    _says("length-negative", "FAILED bad-answer", announced(-1, jpeg())),
    _says("length-huge", "FAILED too-large", announced(10**15, jpeg())),
    _says("length-beyond-64-bits", "FAILED bad-answer", announced("9" * 30, jpeg())),
    _says(
        "length-twice",
        "FAILED bad-answer",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ),
    _says("length-missing", "STORED", OK + b"\r\n" + jpeg()),
    _says(
        "length-and-chunks",
        "FAILED bad-answer",
        OK + b"Content-Length: 3\r\n" + CHUNKED[17:] + b"0\r\n\r\n",
    ),
    _says("chunk-size-odd", "FAILED bad-answer", CHUNKED + b"zz\r\n"),
    _says(
        "chunk-size-huge", "FAILED too-large", CHUNKED + b"fffffffff\r\n", endlessly=b"\xff" * 65536
    ),
    _says("chunk-extension-endless", "FAILED too-large", CHUNKED + b"1;", endlessly=b"a=b;" * 4096),
    _says(
        "trailers-endless", "FAILED bad-answer", CHUNKED + b"0\r\n", endlessly=b"X: a\r\n" * 4096
    ),
    _says("body-endless", "FAILED too-large", OK + b"\r\n", endlessly=b"\xff" * 65536),
    _says("head-endless", "FAILED bad-answer", OK, endlessly=b"X: a\r\n" * 4096),
    _says("header-endless", "FAILED bad-answer", OK + b"X: ", endlessly=b"a" * 16384),
    _says("headers-thousands", "FAILED bad-answer", OK + b"X: a\r\n" * 5000 + b"\r\n"),
    _says("header-64-kilobytes", "FAILED bad-answer", OK + b"X: " + b"a" * 65536 + b"\r\n\r\n"),
    _says("status-line-endless", "FAILED bad-answer", b"HTTP/1.1 200 ", endlessly=b"a" * 16384),
    _says(
        "interim-flood", "FAILED too-large", b"", endlessly=b"HTTP/1.1 100 Continue\r\n\r\n" * 512
    ),
    _says(
        "hints-flood", "FAILED too-large", b"", endlessly=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 512
    ),
    _says(
        "interim-with-body",
        "FAILED bad-answer",
        b"HTTP/1.1 150 Wait\r\nContent-Length: 99999999999\r\n\r\n",
        endlessly=b"a" * 65536,
    ),
    _says("interim-then-picture", "STORED", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(jpeg())),
    _says(
        "switching-protocols",
        "FAILED http-101",
        b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ),
    _says("http-0.9", "FAILED bad-answer", jpeg()),
    _says("http-2-unasked", "FAILED bad-answer", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _says("ssh", "FAILED bad-answer", b"SSH-2.0-OpenSSH_9.6\r\n"),
    _says("null-bytes", "FAILED bad-answer", b"\0" * 4096),
    _says("header-with-null", "FAILED bad-answer", OK + b"X: \0\r\n\r\n"),
    _says("second-answer-smuggled", "STORED", answer(jpeg()) + answer(b"<html>", status="200 OK")),
    _says(
        "gzip-bomb",
        "FAILED too-large",
        answer(gzip.compress(bytes(30_000_000)), "Content-Encoding: gzip"),
    ),
    _says(
        "deflate-bomb",
        "FAILED too-large",
        answer(zlib.compress(bytes(30_000_000)), "Content-Encoding: deflate"),
    ),
    _says("brotli", "FAILED bad-answer|FAILED cut-off", answer(jpeg(), "Content-Encoding: br")),
    _says("zstd", "FAILED bad-answer|FAILED cut-off", answer(jpeg(), "Content-Encoding: zstd")),
    _says("gzip-broken", "FAILED cut-off", answer(b"abc", "Content-Encoding: gzip")),
    _says("gzip-unasked", "STORED", answer(gzip.compress(jpeg()), "Content-Encoding: gzip")),
    _says("encoding-unknown", "STORED", answer(jpeg(), "Content-Encoding: x-rot13")),
    _says("missing-endless", "FAILED http-404", b"HTTP/1.1 404 Gone\r\n\r\n", b"a" * 65536),
    _says("no-content", "FAILED http-204", answer(b"", status="204 No Content")),
    _says("status-999", "FAILED http-999", answer(jpeg(), status="999 Denied")),
    _says("status-0", "FAILED bad-answer", answer(jpeg(), status="0 None")),
    _says("type-html", "STORED", answer(jpeg(), "Content-Type: text/html")),
    _says("refresh", "STORED", answer(jpeg(), "Refresh: 0;url=http://127.0.0.2:{port}/")),
    _says("preload", "STORED", answer(jpeg(), "Link: <http://127.0.0.2:{port}/>; rel=preload")),
    _says("other-service", "STORED", answer(jpeg(), 'Alt-Svc: h2="127.0.0.2:{port}"')),
    _says("partial", "FAILED http-206", answer(jpeg()[:100], status="206 Partial Content")),
    _says("busy", "FAILED host-busy", answer(b"", "Retry-After: 99999999999", status="429 Busy")),
    _says("html", "FAILED html", answer(b"<!doctype html><title>Sign in</title>")),
    _says("challenge", "FAILED challenge-page", answer(b"<html><title>Just a moment...</title>")),
    _says("opt-out", "REJECTED opt-out", answer(jpeg(), "X-Robots-Tag: noai")),
    _drips("never-answers", "FAILED read-timeout", b""),
    _drips("head-slow", "FAILED timeout", OK + b"X: ", b"a"),
    _drips("body-slow", "FAILED too-slow", announced(9000, b"\xff\xd8\xff"), b"a"),
    _drips("body-stops", "FAILED read-timeout", announced(9000, jpeg()[:4000])),
    _drips("chunks-slow", "FAILED too-slow", CHUNKED, b"1\r\na\r\n"),
    Behaviour(
        "connects-and-is-silent", "FAILED read-timeout", names=resolving((SILENT,)), outlasts=True
    ),
    Behaviour(
        "tls-silent",
        "FAILED connect-timeout",
        url="https://{host}:{port}/a.jpg",
        names=resolving((SILENT,)),
        outlasts=True,
    ),
    Behaviour("tls-none", "FAILED connect-timeout", url="https://{host}:{port}/a.jpg"),
    Behaviour("tls-other-name", "FAILED tls", url="https://{host}:{tls}/a.jpg"),
    Behaviour("tls-on-a-plain-port", "FAILED reset", url="http://{host}:{tls}/a.jpg"),
    Behaviour(
        "robots-endless",
        "STORED",
        _PICTURE,
        paths={"/robots.txt": Says(OK + b"\r\n", endlessly=b"Allow: /\n" * 4096)},
    ),
    Behaviour(
        "robots-to-metadata",
        "FAILED private-address",
        _PICTURE,
        paths={"/robots.txt": redirect("http://169.254.169.254/latest/")},
    ),
    Behaviour(
        "reservations-bomb",
        "STORED",
        _PICTURE,
        paths={"/.well-known/tdmrep.json": Says(answer(b"[" * 200_000))},
    ),
)
NETWORK = (*URLS, *NAMES, *REDIRECTS, *ANSWERS)
