"""The page of a search."""

from __future__ import annotations


def write(place, trials, progress):
    pass
