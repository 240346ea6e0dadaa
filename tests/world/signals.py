"""Sites that say how their pictures may be used: a host for each signal, and what is to come of it.

`SIGNALS` is the one table; the world serves it, and the test of the whole path compares records
with it. No category of the demo has these hosts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape

from aiohttp import web

from tests.world.catalogue import TROUBLES, Catalogue, Picture
from tests.world.sites import Answer, host_of
from tests.world.troubles import picture_response

GALLERY_SITE = "signals.test"
"""Its subdomains are the pages of one gallery; the pictures lie on sites of their own."""
FIRST_PAGE = f"http://www.{GALLERY_SITE}/"
PICTURES_OF_A_HOST = 2
_POLICY = "https://policies.signals.test/tdm.json"


@dataclass(frozen=True)
class File:
    """What a path of a host answers."""

    text: str = ""
    status: int = 200
    location: str = ""


@dataclass(frozen=True)
class Signal:
    """A site that speaks: its files and headers, or those of the page that shows its pictures."""

    name: str
    outcome: str
    """Of each of its pictures: STORED, REJECTED or FAILED."""
    reason: str = ""
    signals: tuple[str, ...] = ()
    """Told in the records of its pictures."""
    files: Mapping[str, File] = field(default_factory=dict)
    """Of the host of the pictures, by path."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of each picture's answer."""
    metas: tuple[tuple[str, str], ...] = ()
    """Of the page that shows them."""
    page_headers: Mapping[str, str] = field(default_factory=dict)
    page_robots: str = ""

    @property
    def has_page(self) -> bool:
        """Whether its pictures are shown on a page of their own."""
        return bool(self.metas or self.page_headers or self.page_robots)

    @property
    def host(self) -> str:
        return f"img.{self.name}.test"

    @property
    def page_host(self) -> str:
        return f"{self.name if self.has_page else 'www'}.{GALLERY_SITE}"


def _robots(text: str) -> Mapping[str, File]:
    return {"/robots.txt": File(text)}


def _reservations(*rules: Mapping[str, object]) -> Mapping[str, File]:
    return {"/.well-known/tdmrep.json": File(json.dumps(rules))}


_stored = partial(Signal, outcome="STORED")
_forbidden = partial(Signal, outcome="REJECTED", reason="robots", signals=("robots.txt: disallow",))
_opted_out = partial(Signal, outcome="REJECTED", reason="opt-out")
_ALL, _US = "User-agent: *\n", "User-agent: artgrab\n"
_RESERVED = "tdmrep.json: tdm-reservation 1"

SIGNALS: tuple[Signal, ...] = (
    _forbidden("robots-forbids-all", files=_robots(f"{_ALL}Disallow: /\n")),
    _forbidden("robots-forbids-us", files=_robots(f"{_US}Disallow: /\n\n{_ALL}Allow: /\n")),
    _stored("robots-allows-us", files=_robots(f"{_ALL}Disallow: /\n\n{_US}Allow: /\n")),
    _stored("robots-delays", files=_robots(f"{_ALL}Crawl-delay: 0.2\n")),
    _stored("robots-missing", files={"/robots.txt": File("No", status=404)}),
    Signal(
        "robots-broken",
        outcome="FAILED",
        reason="robots-unavailable",
        files={"/robots.txt": File("Oops", status=500)},
    ),
    _forbidden(
        "robots-moved",
        files={
            "/robots.txt": File(status=301, location="http://img.robots-moved.test/rules"),
            "/rules": File(f"{_ALL}Disallow: /\n"),
        },
    ),
    _opted_out(
        "usage-robots",
        files=_robots(f"{_ALL}Allow: /\nContent-Usage: train-ai=n\n"),
        signals=("robots.txt: content-usage train-ai=n",),
    ),
    _opted_out(
        "usage-robots-path",
        files=_robots(f"{_ALL}Allow: /\nContent-Usage: /pictures/ train-ai=n\n"),
        signals=("robots.txt: content-usage train-ai=n",),
    ),
    _stored(
        "usage-robots-elsewhere",
        files=_robots(f"{_ALL}Allow: /\nContent-Usage: /texts/ train-ai=n\n"),
    ),
    _opted_out(
        "signal-robots",
        files=_robots(f"{_ALL}Content-Signal: search=yes, ai-train=no\nAllow: /\n"),
        signals=("robots.txt: content-signal ai-train=no",),
    ),
    _opted_out(
        "usage-header",
        headers={"Content-Usage": "search=y, train-ai=n"},
        signals=("content-usage: train-ai=n",),
    ),
    _stored("usage-header-generative", headers={"Content-Usage": "train-genai=n"}),
    _opted_out("tag-noai", headers={"X-Robots-Tag": "noai"}, signals=("x-robots-tag: noai",)),
    _opted_out(
        "tag-noimageai",
        headers={"X-Robots-Tag": "nofollow, noimageai"},
        signals=("x-robots-tag: noimageai",),
    ),
    _opted_out(
        "tag-for-us",
        headers={"X-Robots-Tag": "otherbot: nofollow, artgrab: noai"},
        signals=("x-robots-tag: noai",),
    ),
    _stored("tag-for-another", headers={"X-Robots-Tag": "otherbot: noai, noimageai"}),
    _opted_out(
        "tag-with-date",
        headers={"X-Robots-Tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, noai"},
        signals=("x-robots-tag: noai",),
    ),
    _opted_out(
        "tdm-header",
        headers={"TDM-Reservation": "1", "TDM-Policy": _POLICY},
        signals=("tdm-reservation: 1", f"tdm-policy: {_POLICY}"),
    ),
    _stored("tdm-header-free", headers={"TDM-Reservation": "0"}),
    _opted_out(
        "tdmrep-host",
        files=_reservations({"location": "/", "tdm-reservation": 1, "tdm-policy": _POLICY}),
        signals=(_RESERVED, f"tdmrep.json: tdm-policy {_POLICY}"),
    ),
    _opted_out(
        "tdmrep-path",
        files=_reservations({"location": "/pictures/*.webp$", "tdm-reservation": 1}),
        signals=(_RESERVED,),
    ),
    _stored(
        "tdmrep-elsewhere",
        files=_reservations({"location": "/texts/", "tdm-reservation": 1}),
    ),
    _opted_out("meta-noai", metas=(("robots", "noai"),), signals=("meta robots: noai",)),
    _opted_out(
        "meta-noimageai",
        metas=(("Robots", "index, NoImageAI"),),
        signals=("meta robots: noimageai",),
    ),
    _opted_out("meta-for-us", metas=(("artgrab", "noai"),), signals=("meta artgrab: noai",)),
    _stored("meta-for-another", metas=(("googlebot", "noai"), ("robots", "noindex, follow"))),
    _opted_out(
        "meta-tdm",
        metas=(("tdm-reservation", "1"), ("tdm-policy", _POLICY)),
        signals=("meta tdm-reservation: 1", f"meta tdm-policy: {_POLICY}"),
    ),
    _opted_out(
        "page-header",
        page_headers={"X-Robots-Tag": "noindex, noai"},
        signals=("page x-robots-tag: noai",),
    ),
    _opted_out(
        "page-robots",
        page_robots=f"{_ALL}Allow: /\nContent-Usage: train-ai=n\n",
        signals=("page robots.txt: content-usage train-ai=n",),
    ),
)


class SignalSites:
    """The hosts of the table: the pages of a gallery, and the sites of its pictures."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._sites = {signal.host: signal for signal in SIGNALS}
        self._pages: dict[str, list[Signal]] = {}
        for signal in SIGNALS:
            self._pages.setdefault(signal.page_host, []).append(signal)

    def image_urls(self, signal: Signal) -> list[str]:
        """Return the URLs of a site's pictures."""
        return [f"http://{signal.host}/pictures/{one.name}" for one in self._pictures(signal)]

    def handler(self, host: str, path: str) -> Answer | None:
        """Return what answers on the hosts of the table, None on all others."""
        if host in self._pages:
            return self._page
        return self._image if host in self._sites else None

    def _pictures(self, signal: Signal) -> list[Picture]:
        shelf = self._catalogue.published[TROUBLES]
        first = PICTURES_OF_A_HOST * SIGNALS.index(signal)
        return [shelf[(first + number) % len(shelf)] for number in range(PICTURES_OF_A_HOST)]

    async def _page(self, request: web.Request) -> web.StreamResponse:
        shown = self._pages[host_of(request)]
        if request.path == "/robots.txt" and shown[0].page_robots:
            return web.Response(text=shown[0].page_robots)
        if request.path != "/":
            raise web.HTTPNotFound
        return web.Response(
            text=self._html(shown), content_type="text/html", headers=shown[0].page_headers
        )

    def _html(self, shown: list[Signal]) -> str:
        metas = "".join(
            f"<meta name='{escape(name)}' content='{escape(content)}'>"
            for name, content in shown[0].metas
        )
        urls = [url for signal in shown for url in self.image_urls(signal)]
        items = "".join(f"<figure><a href='{escape(url)}'>picture</a></figure>" for url in urls)
        hosts = [*self._pages, ""]
        following = hosts[hosts.index(shown[0].page_host) + 1]
        link = f"<a class='next' href='http://{following}/'>next</a>" if following else ""
        return f"<!doctype html><title>Signals</title>{metas}{items}{link}"

    async def _image(self, request: web.Request) -> web.StreamResponse:
        signal = self._sites[host_of(request)]
        if file := signal.files.get(request.path):
            headers = {"Location": file.location} if file.location else {}
            return web.Response(text=file.text, status=file.status, headers=headers)
        for picture in self._pictures(signal):
            if request.path == f"/pictures/{picture.name}":
                response = await picture_response(request, self._catalogue.path(picture))
                response.headers.update(signal.headers)
                return response
        raise web.HTTPNotFound
