"""Pages in a real browser, and what went wrong in them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

PROBE = """<script>
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
window.addEventListener("load", () => {
  const root = document.documentElement;
  // What scrolls in its own box does not widen the page; everything else must end before the edge.
  const wide = [...document.querySelectorAll("body *")].filter((e) =>
    !e.closest(".scroll table, svg") && e.getBoundingClientRect().right > root.clientWidth + 0.5);
  root.dataset.probe = JSON.stringify({
    errors, width: window.innerWidth, scroll: root.scrollWidth,
    wide: wide.map((e) => `${e.tagName}.${e.className}`),
  });
  parent.postMessage(root.dataset.probe, "*");
});
</script>
"""

# A window is at least 500 pixels wide; a frame of any width lays its page out as a window of that width does.
FRAME = """<!DOCTYPE html><html><body><script>
addEventListener("message", (event) => { document.documentElement.dataset.probe = event.data; });
</script><iframe src="page.html" style="width: %dpx; height: 900px; border: 0"></iframe></body></html>"""


class Browser:
    """Loads pages and returns their DOM and console."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def load(self, text: str, *, frame: int | None = None, fragment: str = "") -> tuple[str, list[str]]:
        path = self.folder / "page.html"
        path.write_text(text.replace("<head>\n", "<head>\n" + PROBE, 1), encoding="utf-8")
        if frame is not None:
            path = self.folder / "frame.html"
            path.write_text(FRAME % frame, encoding="utf-8")
        command = [
            self.program,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
            f"--user-data-dir={self.folder / 'profile'}",
            *("--window-size=1400,900", "--hide-scrollbars", "--virtual-time-budget=2000"),
            "--enable-logging=stderr",
            "--dump-dom",
            f"file://{path}{fragment}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def probe(dom: str) -> dict[str, object]:
    found = re.search(r'data-probe="([^"]*)"', dom)
    assert found
    return dict(json.loads(html.unescape(found[1])))
