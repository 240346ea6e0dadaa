"""How Chromium is started: quiet, alone, and honest about who steers it."""

from selenium.webdriver.chrome.options import Options

from artgrab.common.network import NetworkSettings
from artgrab.scraper.sandboxes import has_sandbox

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-dev-shm-usage",  # containers give it 64 MB, then tabs crash
    "--mute-audio",
    # What dies with the browser is noticed. The death of a network process of its own only fails
    # the requests of that moment, and a gallery that loads more would look as if it had ended.
    "--enable-features=NetworkServiceInProcess2",
    "--in-process-gpu",
    # Tall, so that fewer steps bring every lazily loaded picture into view.
    "--window-size=1280,2400",
)
_PREFERENCES = {
    "download_restrictions": 3,  # none at all
    "profile.default_content_setting_values.automatic_downloads": 2,
    "profile.default_content_setting_values.geolocation": 2,
    "profile.default_content_setting_values.notifications": 2,
    "profile.default_content_setting_values.media_stream": 2,
    # Only their addresses are of interest; a lazy loader sets them all the same.
    "profile.managed_default_content_settings.images": 2,
}


def browser_options(network: NetworkSettings, *, binary: str, profile: str) -> Options:
    """Return how Chromium is to be started."""
    options = Options()
    options.binary_location = binary
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument(f"--user-agent={user_agent(network)}")
    if not has_sandbox():
        options.add_argument("--no-sandbox")
    if network.resolve:
        rules = ", ".join(f"MAP {host} {target}" for host, target in network.resolve.items())
        options.add_argument(f"--host-resolver-rules={rules}")
    # Waiting is ours: ChromeDriver hangs over a site whose headers drip, whatever its limit is, and
    # an advertisement must not hold us up.
    options.page_load_strategy = "none"
    options.unhandled_prompt_behavior = "dismiss"
    options.add_experimental_option("prefs", _PREFERENCES)
    return options


def user_agent(network: NetworkSettings) -> str:
    """Return what sites see: what the engine is, and honestly who steers it."""
    return f"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) {network.user_agent}"
