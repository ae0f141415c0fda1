"""What the site adds to mkdocs: a page for every notebook, with the outputs that scripts/notebooks.py made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[1]
EXECUTED = ROOT / "build" / "notebooks"
"""Where executed notebooks are; those that are not there are shown without outputs."""

HEAD = "[Download this notebook]({name}.ipynb)\n\n"
BARE = """!!! note "Without outputs"
    This copy of the site was built without executing the tutorials; `make docs` does both.

"""
_HEADING = re.compile(r"\A(# .+\n+)")
_IMAGE = re.compile(r"!\[[a-z]+\]\(([\w./-]+)\)")
_NOTEBOOK = re.compile(r"\]\((notebooks/\w+)\.ipynb\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page with its figures for every notebook; the notebook itself stays as what readers download."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        source = Path(str(file.abs_src_path))
        page, figures = as_markdown(source, EXECUTED / source.name)
        folder = file.src_uri.rpartition("/")[0]
        files.append(File.generated(config, file.src_uri.replace(".ipynb", ".md"), content=page))
        for name, content in figures.items():
            files.append(File.generated(config, f"{folder}/{name}", content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to notebooks lead to their pages: in the repository they lead to the notebooks."""
    return _NOTEBOOK.sub(r"](\1.md)", markdown)


def as_markdown(source: Path, executed: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as a page, and its figures by name.

    Parameters
    ----------
    source : notebook without outputs
    executed : the same with outputs; when it is not there, or its code is another, the page has none
    """
    notebook = nbformat.read(source, as_version=4)
    head = HEAD.format(name=source.stem)
    done = nbformat.read(executed, as_version=4) if executed.exists() else None
    if done is not None and _sources(done) == _sources(notebook):
        notebook = done
    else:
        head += BARE
    resources = {"output_files_dir": f"{source.stem}_files", "unique_key": source.stem}
    text, found = MarkdownExporter().from_notebook_node(notebook, resources)
    text = _IMAGE.sub(r"![figure](\1){ .figure }", text)
    return _HEADING.sub(rf"\1{head}", text), found.get("outputs", {})


def _sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells]
