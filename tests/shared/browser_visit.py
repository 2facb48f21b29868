"""The app served as users serve it, and one tab of a real browser on it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "test-artifacts"
BROWSERS = [Path("/usr/bin") / name for name in ("chromium", "chromium-browser", "google-chrome")]
QUIET = (
    "--headless --no-sandbox --disable-background-networking --disable-component-update --disable-sync"
    " --disable-default-apps --disable-domain-reliability --no-first-run --no-pings --disable-dev-shm-usage"
    " --disable-features=OptimizationHints,MediaRouter,Translate,"
    "PreloadTopChromeWebUI,WebUIOmniboxPopup,WebUIOmniboxAimPopup"  # Chromium's own pages, made for each window
).split()
ALL_WAYS = os.environ.get("TRADEFAIR_ALL_WAYS") == "1"
"""Whether to do each job in all eight ways, and each walk through a page in both looks; CI has no time for that."""
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}


def serve(store, log, *more, port=None):
    """Start `tradefair app` on a port, a free one unless told; return the process and its address once it answers."""
    if port is None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    arguments = [sys.executable, "-m", "apps.command.main", "app", "--store", str(store), "--port", str(port), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TRADEFAIR_COLD": "1"}
    process = subprocess.Popen(
        arguments, cwd=log.parent, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).read()
            return process, address
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def profile(browser, *, width="desktop", scheme="light", has_touch=False):
    """A browser profile without history: a window on a desktop or a phone, for eyes that like light or dark."""
    size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
    return browser.new_context(viewport=size, color_scheme=scheme, has_touch=has_touch)


class Visit:
    """One browser tab that notes what it asks for and complains about; in a profile of its own unless given one."""

    def __init__(self, browser, *, context=None, **look):
        self.context = context or profile(browser, **look)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda opened: self.requests.append(opened.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message):
        """Note an error, but for Streamlit's search for its own root when a page other than the first is opened.

        It asks below the page's address before it asks at the root; the answer 404 is the browser's, not the app's.
        """
        looking_for_root = "/_stcore/" in message.location["url"] and "404" in message.text
        if message.type == "error" and not looking_for_root:
            self.complaints.append(message.text)

    def open(self, url):
        self.page.goto(url)
        self.page.locator("h1").first.wait_for(timeout=30_000)
        self.settle()
        return self

    def settle(self):
        """Wait until the script has ended and charts have been drawn."""
        self.page.wait_for_function("!document.querySelector('[data-test-script-state=running]')", timeout=30_000)
        if self.page.locator("[data-testid=stVegaLiteChart]").count():
            self.page.locator(
                "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
            ).first.wait_for()
        self.page.wait_for_timeout(700)

    def picture(self, name):
        """Keep a picture of the whole page, not only of what fits the window."""
        PICTURES.mkdir(exist_ok=True)
        size = self.page.viewport_size
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({**size, "height": min(6000, max(size["height"], height + 60))})
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=PICTURES / f"{name}.png")
        self.page.set_viewport_size(size)

    def overflow(self):
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate(
            "Math.max(document.documentElement.scrollWidth - window.innerWidth,"
            " ...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stMainBlockContainer]')]"
            ".map(box => box.scrollWidth - box.clientWidth))"
        )
