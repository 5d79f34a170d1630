"""Which Chromium the browser tests drive: the machine's own, or the one that Playwright keeps.

`python -m tests.support.browser --install` fetches Playwright's where the machine has none (`make test` calls it).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium that can be started, or None."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    kept = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache/ms-playwright"))
    for place in sorted(kept.glob("chromium-*/chrome-linux*/chrome"), reverse=True):
        return str(place)
    return None


def install() -> None:
    """Fetch Playwright's Chromium; without a network the browser tests are skipped and say so."""
    print("No Chromium on this machine: fetching one for the browser tests")
    fetched = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    if fetched.returncode:
        print("It could not be fetched: browser tests will be skipped (install the package chromium to run them)")


if __name__ == "__main__" and "--install" in sys.argv and find() is None:
    install()
