"""A browser that looks at one of our pages from the disk, as a person would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium refuses its sandbox to root; it opens our own files only
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)

_LOOK = """
const images = [...document.images];
await Promise.all(images.map(image => image.decode().catch(() => {})));
const shown = element => getComputedStyle(element);
const visible = [...document.querySelectorAll('main *')].filter(
  element => element.getClientRects().length && !element.closest('.scroll, svg, .hidden'));
// Contrast as WCAG 2 defines it (1.4.3).
const parts = colour => [...colour.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
const over = (top, below) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * below[i]);
const groundOf = element => element ? over(parts(shown(element).backgroundColor),
  groundOf(element.parentElement)) : [255, 255, 255];
const luminance = colour => { const [r, g, b] = colour.map(value => value / 255).map(
  value => value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const contrast = element => { const ground = groundOf(element);
  const both = [luminance(ground), luminance(over(parts(shown(element).color), ground))];
  return (Math.max(...both) + .05) / (Math.min(...both) + .05); };
const written = [...document.querySelectorAll('main *')].filter(element => !element.closest('svg')
  && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
return {
  pale: written.filter(one => contrast(one) < 4.5).map(
    one => contrast(one).toFixed(1) + ' ' + one.outerHTML.slice(0, 99)),
  images: images.length,
  undecoded: images.filter(image => !image.naturalWidth).map(image => image.outerHTML.slice(0, 99)),
  unnamed: images.filter(image => !image.alt || !image.dataset.source).length,
  headings: [...document.querySelectorAll('h1, h2, h3')].map(
    one => [Number(one.tagName[1]), one.textContent.trim()]),
  headers: [...document.querySelectorAll('th')].filter(one => !one.scope).length,
  broken: [...document.querySelectorAll('a[href^="#"]')].map(one => one.hash.slice(1)).filter(
    id => !document.getElementById(id)),
  width: document.documentElement.scrollWidth,
  window: innerWidth,
  beyond: visible.filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(
    one => one.outerHTML.slice(0, 99)),
  ground: shown(document.body).backgroundColor,
  ink: shown(document.body).color,
};
"""


@dataclass(frozen=True, kw_only=True)
class View:
    """What a person who looks at a page would notice."""

    images: int
    undecoded: list[str]
    """Images of which there is nothing to be seen."""
    unnamed: int
    """Images without words for those who do not see them, or that do not say whose they are."""
    pale: list[str]
    """Text whose contrast is below 4.5, with its contrast."""
    headings: list[tuple[int, str]]
    """Level and text."""
    headers: int
    """Cells of tables that head something, and do not say what."""
    broken: list[str]
    """Links within the page that lead nowhere."""
    width: int
    """Pixels of the page, beyond the window too."""
    window: int
    beyond: list[str]
    """Elements that stand out on the right of the window."""
    ground: str
    ink: str
    messages: list[str]
    """Of the browser's console."""
    requests: list[str]
    """Addresses the page asked for, itself excepted."""


class Viewer:
    """Shows pages in one window."""

    def __init__(self, session: webdriver.Chrome) -> None:
        self._session = session

    def look(self, page: Path, *, width: int, dark: bool = False) -> View:
        """Open a page and tell what there is to be seen.

        Args:
            page: file to open.
            width: of the window, in CSS pixels; a phone where it is narrow.
            dark: whether dark colours are wanted.
        """
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        window = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._do("Emulation.setEmulatedMedia", features=[scheme])
        self._do("Emulation.setDeviceMetricsOverride", **window)
        self._session.get(page.as_uri())
        script = f"const done = arguments[0]; (async () => {{ {_LOOK} }})().then(done)"
        seen = self._session.execute_async_script(script)
        seen["headings"] = [(level, text) for level, text in seen["headings"]]
        return View(**seen, messages=self._messages(), requests=self._requests(page.as_uri()))

    def _do(self, command: str, **parameters: object) -> None:
        self._session.execute_cdp_cmd(command, parameters)

    def _messages(self) -> list[str]:
        return [entry["message"] for entry in self._session.get_log("browser")]

    def _requests(self, page: str) -> list[str]:
        events = (_event(entry) for entry in self._session.get_log("performance"))
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if url != page and not url.startswith("data:")]


@contextmanager
def viewer() -> Iterator[Viewer]:
    """Start Debian's Chromium, and end it."""
    options = Options()
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    session = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        session.set_script_timeout(60)
        yield Viewer(session)
    finally:
        session.quit()


def _event(entry: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(entry["message"])["message"]
    return event
