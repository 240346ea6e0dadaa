"""The galleries of the demo world in a real browser: their scripts do bring all pictures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.requirements import need
from tests.world.world import World, demo_world, missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("browser")]

LIMIT = 65
"""More than two pages of each of the galleries below."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    missing = missing_requirements()
    need(not missing, packages=" ".join(missing))
    with demo_world(wiki=False) as running:
        yield running


@pytest.fixture(scope="module")
def browser(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    profile: Path = tmp_path_factory.mktemp("profile")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1200,900",
        f"--user-data-dir={profile}",
        f"--host-resolver-rules=MAP *.test {world.resolve['*.test']}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService("/usr/bin/chromedriver")
    )
    yield driver
    driver.quit()


def links(browser: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('article.picture a.full')].map(a => a.href)"
    found: list[str] = browser.execute_script(script)
    return found


def scroll(browser: webdriver.Chrome) -> None:
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")


def press(browser: webdriver.Chrome) -> None:
    for button in browser.find_elements(By.CSS_SELECTOR, "button.more:enabled"):
        button.click()


def collect(
    browser: webdriver.Chrome, go_on: Callable[[webdriver.Chrome], None], wanted: int
) -> None:
    def enough(driver: webdriver.Chrome) -> bool:
        go_on(driver)
        return len(links(driver)) >= wanted

    WebDriverWait(browser, 60, poll_frequency=0.1).until(enough)


def expected(world: World, host: str, limit: int) -> list[str]:
    return [one.image_url for one in world.hosts.galleries[host].listings[:limit]]


def test_scrolling_brings_all_pictures_and_lazy_thumbnails(world, browser):
    host = "www.clipart.test"
    browser.get(f"http://{host}/gallery?q=clipart&limit={LIMIT}")
    assert 0 < len(links(browser)) < LIMIT
    collect(browser, scroll, LIMIT)
    assert links(browser) == expected(world, host, LIMIT)
    WebDriverWait(browser, 30).until(
        lambda _: len(world.requests(host=host, path="/thumbnails/*")) > LIMIT // 2
    )


def test_pressing_the_button_brings_all_pictures_and_then_it_is_gone(world, browser):
    host = "www.costumes.test"
    browser.get(f"http://{host}/gallery?limit={LIMIT}")
    assert len(links(browser)) == world.hosts.galleries[host].page_size
    collect(browser, press, LIMIT)
    assert links(browser) == expected(world, host, LIMIT)
    assert browser.find_elements(By.CSS_SELECTOR, "button.more") == []


def test_following_next_leads_through_all_pictures(world, browser):
    host = "www.cartoon-stamps.test"
    browser.get(f"http://{host}/gallery?limit={LIMIT}")
    found = links(browser)
    while following := browser.find_elements(By.CSS_SELECTOR, "a.next"):
        browser.get(following[0].get_attribute("href"))
        found += links(browser)
    assert found == expected(world, host, LIMIT)
