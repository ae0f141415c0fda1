"""Pages in a real browser, and what went wrong in them."""

from __future__ import annotations

import html
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.required import require_module

PROBE = """<script>
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
window.addEventListener("load", () => {
  const root = document.documentElement;
  // What scrolls in its own box does not widen the page; everything else must end before the edge, a card's text in it.
  const wide = [...document.querySelectorAll("body *")].filter((e) =>
    !e.closest(".scroll table, svg") && e.getBoundingClientRect().right > root.clientWidth + 0.5
    || e.matches(".key *") && e.scrollWidth > e.clientWidth);
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


# The page in a frame of the wanted width: a window is never narrower than 500 pixels.
WHOLE = """<!DOCTYPE html><html><body style="margin: 0"><script>
addEventListener("message", (event) => { document.documentElement.dataset.boxes = event.data; });
</script><iframe src="whole.html" style="width: %dpx; height: %dpx; border: 0; display: block"></iframe>
</body></html>"""

BOXES = """<script>
addEventListener("load", () => {
  const parts = [...document.querySelectorAll("header, main > section")];
  const boxes = parts.map((e) => [e.id || e.tagName.toLowerCase(), e.getBoundingClientRect()]);
  parent.postMessage(JSON.stringify({
    height: document.documentElement.scrollHeight,
    boxes: boxes.map(([name, box]) => [name, Math.round(box.top + scrollY), Math.round(box.height)]),
  }), "*");
});
</script>
"""


@dataclass(frozen=True)
class Picture:
    """A page as it is seen: its pixels, and name, top and height of its header and sections."""

    image: Image.Image
    boxes: tuple[tuple[str, int, int], ...]

    @property
    def parts(self) -> dict[str, Image.Image]:
        """The pixels of header and sections by name, from top to bottom."""
        width = self.image.width
        return {name: self.image.crop((0, top, width, top + height)) for name, top, height in self.boxes}


class Browser:
    """Loads pages and returns their DOM and console, or what they look like."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def load(self, text: str, *, frame: int | None = None, fragment: str = "") -> tuple[str, list[str]]:
        path = self.folder / "page.html"
        path.write_text(text.replace("<head>\n", "<head>\n" + PROBE, 1), encoding="utf-8")
        if frame is not None:
            path = self.folder / "frame.html"
            path.write_text(FRAME % frame, encoding="utf-8")
        done = self._start(
            "--window-size=1400,900", "--enable-logging=stderr", "--dump-dom", f"file://{path}{fragment}"
        )
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def picture(self, text: str, width: int, *, dark: bool = False) -> Picture:
        """Return the whole page, as high as it is, in a window of a width."""
        (self.folder / "whole.html").write_text(text.replace("<head>\n", "<head>\n" + BOXES, 1), encoding="utf-8")
        frame, image = self.folder / "whole_frame.html", self.folder / "whole.png"
        frame.write_text(WHOLE % (width, 900), encoding="utf-8")
        window = max(width, 600)
        dom = self._start(f"--window-size={window},900", "--dump-dom", f"file://{frame}").stdout
        found = re.search(r'data-boxes="([^"]*)"', dom)
        assert found
        told = json.loads(html.unescape(found[1]))
        frame.write_text(WHOLE % (width, told["height"]), encoding="utf-8")
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        size = f"--window-size={window},{told['height']}"
        self._start(size, scheme, f"--screenshot={image}", f"file://{frame}")
        with Image.open(image) as whole:
            boxes = tuple((str(name), int(top), int(height)) for name, top, height in told["boxes"])
            return Picture(whole.convert("RGB").crop((0, 0, width, told["height"])), boxes)

    def printed(self, text: str) -> list[Image.Image]:
        """Return the pages that the page is printed on, 72 dots per inch."""
        pypdfium2 = require_module("pypdfium2", "a development package")
        path, pdf = self.folder / "print.html", self.folder / "print.pdf"
        path.write_text(text, encoding="utf-8")
        self._start(f"--print-to-pdf={pdf}", "--no-pdf-header-footer", f"file://{path}")
        with pypdfium2.PdfDocument(pdf) as document:
            return [page.render(scale=1.0).to_pil().convert("RGB") for page in document]

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            self.program,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
            f"--user-data-dir={self.folder / 'profile'}",
            *("--hide-scrollbars", "--virtual-time-budget=2000"),
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True)


def probe(dom: str) -> dict[str, object]:
    found = re.search(r'data-probe="([^"]*)"', dom)
    assert found
    return dict(json.loads(html.unescape(found[1])))
