"""Texts from Jinja templates, rendered in one way everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import jinja2


class Render(Protocol):
    """Texts of one folder of templates."""

    def __call__(self, template: str, **values: object) -> str:
        """Return the text of ``<template>.j2``; a value that the template misses is an error."""


def environment(folder: Path) -> jinja2.Environment:
    """Return the environment of a folder of templates: plain text, lines of tags vanish, missing values are errors."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def renderer(folder: Path) -> Render:
    """Return what renders the templates of a folder; they are read when they are first used."""
    templates = environment(folder)

    def render(template: str, **values: object) -> str:
        return templates.get_template(f"{template}.j2").render(**values)

    return render
