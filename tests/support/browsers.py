"""A headless Chromium that reads pages from file paths, and says all that went wrong there.

It is driven by Selenium through the distribution's chromedriver, which fits the distribution's
browser. Selenium is told both paths and so downloads nothing; Playwright would bring a program of
its own, and expects browsers that it built itself.
"""

import base64
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys

MISSING = "Chromium is not here: `make browser` installs it from the distribution's packages"
#: The first page is an empty one; the usual one asks the network for its pictures.
PREFERENCES = {"session.restore_on_startup": 4, "session.startup_urls": ["about:blank"]}
#: What keeps the browser to itself.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip
#: How long something in a page may take, in seconds.
PATIENCE = 20.0
NAMES = ("chromium", "chromedriver")


def find_programs() -> tuple[str, str]:
    """Browser and driver. Raises `AssertionError` with what to do where one is missing."""
    browser, driver = (shutil.which(name) for name in NAMES)
    assert browser, MISSING
    assert driver, MISSING
    return browser, driver


class Browser:
    """One tab, of a width and a colour scheme."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, width: int, *, dark: bool, height: int = 900) -> None:
        """Be as wide, in pixels of CSS, and light or dark."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, path: Path, query: str = "") -> None:
        """Read a page, and wait until it is there."""
        address = path.resolve().as_uri() + query
        self.driver.get(address)
        # A busy machine's driver comes back before all of a page is there.
        loaded = "return document.readyState === 'complete' && location.href === arguments[0]"
        self.wait(loaded, address)

    def run(self, script: str, *given: Any) -> Any:
        """The answer of a script in the page."""
        return self.driver.execute_script(script, *given)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        chain = webdriver.ActionChains(self.driver, duration=0)
        for key in keys:
            chain.send_keys(getattr(Keys, key, key))
        chain.perform()

    def press_with_control(self, key: str) -> None:
        """Press a key while the control key is down."""
        chain = webdriver.ActionChains(self.driver, duration=0)
        chain.key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def wait(self, script: str, *given: Any) -> None:
        """Wait until a script says yes. Raises `AssertionError` after `PATIENCE` seconds."""
        until = time.monotonic() + PATIENCE
        while not self.run(script, *given):
            assert time.monotonic() < until, f"it did not come about: {script}"
            time.sleep(0.02)

    @contextlib.contextmanager
    def without_scripts(self) -> Iterator[None]:
        """In here, pages run no script of theirs."""
        order = "Emulation.setScriptExecutionDisabled"
        self.driver.execute_cdp_cmd(order, {"value": True})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd(order, {"value": False})

    def complaints(self) -> list[str]:
        """What the console says, of whatever level, since this was asked last."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was asked last."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return found

    def picture(self, place: Path, *, whole: bool = True) -> None:
        """A PNG of the page, of all of it or of what is in view."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        asked: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000)}
            asked["clip"] = {**clip, "scale": 1}
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]
        place.write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser with a fresh profile, closed in the end."""
    program, driver_program = find_programs()
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        options = Options()
        options.binary_location = program
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", PREFERENCES)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(executable_path=driver_program))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
