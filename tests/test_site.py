"""The site builds strictly, is complete, fetches nothing from anywhere, and is found through from a disk."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from scripts import commands, ports
from scripts.architecture import ROOT
from scripts.docstrings import with_descriptions
from scripts.site import as_markdown, on_page_markdown
from tests.required import absent

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}


class _Loads(HTMLParser):
    """Collects what a browser fetches when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.diagrams = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.diagrams |= "mermaid" in (told.get("class") or "").split()  # the theme fetches their drawer
        if told.get("rel") != "canonical" and (where := told.get(LOADS.get(tag, ""))) is not None:
            self.found.append(where)


def outside(page: str) -> list[str]:
    """Return what a page fetches from elsewhere."""
    loads = _Loads()
    loads.feed(page)
    styles = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", page)
    found = [*loads.found, *(one for pair in styles for one in pair if one), *["mermaid"] * loads.diagrams]
    return [one for one in found if re.match(r"(https?:)?//|mermaid", one)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    sources = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    sources |= {Path("notebooks") / f"{path.stem}.html" for path in (ROOT / "docs" / "notebooks").glob("*.ipynb")}
    assert sources <= {path.relative_to(site) for path in site.rglob("*.html")}
    assert (site / "notebooks" / "first_look.ipynb").exists(), "readers download them"
    api = (site / "api.html").read_text(encoding="utf-8")
    assert all(f'id="econ_ae.app.api.runs.{name}"' in api for name in ("load", "Run.compare", "Decoder.charges"))


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    assert len(files) > 30
    found = {path.name: there for path in files if (there := outside(path.read_text(encoding="utf-8")))}
    assert found == {}


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://a.b/c.js"></script>',
        '<link rel="stylesheet" href="//a.b/c.css">',
        '<img src="http://a.b/c.png">',
        "@import 'https://a.b/c.css';",
        "a { background: url(https://a.b/c.png) }",
        '<pre class="mermaid">a --> b</pre>',
    ],
)
def test_what_is_fetched_is_found(page: str) -> None:
    assert len(outside(page)) == 1
    assert outside('<a href="https://a.b">x</a><link rel="canonical" href="https://a.b/"><img src="c.png">') == []


@pytest.mark.browser
def test_the_search_works_from_a_disk(site: Path, tmp_path: Path) -> None:
    program = shutil.which("chromium")
    if program is None:
        absent("chromium is not on the PATH; install: apt-get install chromium")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [program, *options, f"file://{site}/index.html?q=telescope"], capture_output=True, text=True, check=True
    )
    hits = re.findall(r'<a href="([^"]+)" class="md-search-result__link"', done.stdout)
    assert any("training.html" in one for one in hits)


def test_pages_that_are_made_of_the_code_are_current() -> None:
    assert commands.PAGE.read_text(encoding="utf-8") == commands.page(), "run: python scripts/commands.py"
    assert ports.PAGE.read_text(encoding="utf-8") == ports.page(), "run: python scripts/ports.py"


def test_texts_of_parameters_are_descriptions() -> None:
    text = "Parameters\n----------\na, b : (n,), none below 0\n    goes on\nc : None makes one\n\nRaises\n------\nE\n"
    expected = text.replace("a, b : (n,)", "a, b\n    (n,)").replace("c : None", "c\n    None")
    assert with_descriptions(text) == expected
    assert with_descriptions("Raises\n------\nE : when\n") == "Raises\n------\nE : when\n"


def test_notebooks_are_pages_with_the_outputs_of_their_own_code(tmp_path: Path) -> None:
    source, executed = tmp_path / "first.ipynb", tmp_path / "done.ipynb"
    notebook = new_notebook(cells=[new_markdown_cell("# Title\n\nText."), new_code_cell("1 + 1")])
    nbformat.write(notebook, source)
    bare, _ = as_markdown(source, executed)
    assert bare.startswith("# Title\n\n[Download")
    assert "Without outputs" in bare
    png = {"image/png": "iVBORw0KGgo="}
    notebook.cells[1].outputs = [new_output("display_data", png), new_output("stream", text="forty-two")]
    nbformat.write(notebook, executed)
    page, figures = as_markdown(source, executed)
    assert ("Without outputs" in page, "forty-two" in page) == (False, True)
    assert [name for name in figures if f"![figure]({name})" in page] == ["first_files/first_1_0.png"]
    notebook.cells[1].update(source="1 + 2", outputs=[])
    nbformat.write(notebook, source)
    assert "forty-two" not in as_markdown(source, executed)[0], "outputs of another code are none"


def test_links_to_notebooks_lead_to_their_pages() -> None:
    assert on_page_markdown("[a](notebooks/first_look.ipynb)") == "[a](notebooks/first_look.md)"
    assert on_page_markdown("[a](first_look.ipynb)") == "[a](first_look.ipynb)"
