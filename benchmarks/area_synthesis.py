"""Synthesis of complete blocks for the area model, every result cached.

A block goes through ``rtl_gen.costs.synthesise``, as ``econ-ae costs RUN --block block`` does. The hierarchy stays and
every module is mapped by itself, so that the area of a block is the sum over its modules, and a module whose text was
mapped before (the front end of 48 cells) can stand as a black box in its place.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from econ_ae.app.costed import BLOCK, Design, design
from econ_ae.config import RunConfig
from econ_ae.files import write_text
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs import Synthesis, synthesise
from rtl_gen.writer import write_files

_HEADER = re.compile(r"^module .*?^\);", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"//.*")
_ALWAYS = ("_block.v", "_datapath.v", "_config.v", "_config_decode.v")
"""Ends of files that are never taken from the cache: wrappers, and what depends on addresses."""


@dataclass(frozen=True)
class Mapped:
    """A module: its own gate equivalents and flip-flops, its library cells, and the modules in it."""

    own: float
    flops: int
    cells: dict[str, int]
    inside: dict[str, int]


@dataclass(frozen=True)
class Block:
    """A synthesised block.

    Parameters
    ----------
    taken : modules that had been mapped before
    cpu_seconds : of yosys and abc
    """

    name: str
    encoder_sha256: str
    recipe_sha256: str
    tool: str
    top: str
    kge: float
    cpu_seconds: float
    taken: list[str]
    modules: dict[str, Mapped]

    def total(self, module: str) -> float:
        """Return the gate equivalents of a module with everything in it."""
        found = self.modules[module]
        return found.own + sum(n * self.total(kind) for kind, n in found.inside.items())

    def flops(self, module: str) -> int:
        """Return the flip-flops of a module with everything in it."""
        found = self.modules[module]
        return found.flops + sum(n * self.flops(kind) for kind, n in found.inside.items())


_BLOCK, _MAPPED = TypeAdapter(Block), TypeAdapter(Mapped)


@dataclass(frozen=True)
class Bench:
    """Synthesises blocks and keeps what every module took.

    Parameters
    ----------
    cache : folder of the results: ``modules/`` by hash of the text, ``blocks/`` by name
    liberty : library
    """

    cache: Path
    liberty: Path

    def stored(self, name: str) -> Block | None:
        """Return a result that is there."""
        path = self.cache / "blocks" / f"{name}.json"
        return _BLOCK.validate_json(path.read_bytes()) if path.is_file() else None

    def block(self, name: str, model: EncoderModel, *, whole: bool = False) -> Block:
        """Return the areas of all modules of an encoder's block, from the cache or synthesised.

        Parameters
        ----------
        whole : no module is taken from the cache
        """
        found = self.stored(name)
        if found is not None and found.encoder_sha256 == codec.sha256(model):
            return found
        made = design(RunConfig(), model, BLOCK)
        keys = {
            file.removesuffix(".v"): self._file(model, text)
            for file, text in made.files.items()
            if file.startswith(f"{model.name}_") and not file.endswith(_ALWAYS)
        }
        known = {} if whole else {m: _MAPPED.validate_json(p.read_bytes()) for m, p in keys.items() if p.is_file()}
        before = _cpu()
        done = self._synthesise(made, known)  # whose recipe is in the folder
        seconds = _cpu() - before
        modules = _mapped(done, known)
        for module, path in keys.items():
            if module in modules and not modules[module].inside:
                _write(path, _MAPPED.dump_json(modules[module], indent=1))
        modules |= known
        part = Block(
            name,
            codec.sha256(model),
            done.recipe.sha256,
            done.recipe.tool,
            made.top,
            0.0,
            seconds,
            sorted(known),
            modules,
        )
        content = json.loads(_BLOCK.dump_json(part)) | {"kge": part.total(made.top) / 1000}
        _write(self.cache / "blocks" / f"{name}.json", json.dumps(content, indent=1).encode())
        shutil.rmtree(self._work)
        return _BLOCK.validate_python(content)

    def _file(self, model: EncoderModel, text: str) -> Path:
        """Return where a module is kept: by its text without comments and without the name of the encoder."""
        plain = _COMMENT.sub("", text).replace(f"{model.name}_", "model_")
        return self.cache / "modules" / f"{hashlib.sha256(plain.encode()).hexdigest()[:24]}.json"

    def _synthesise(self, made: Design, known: Mapping[str, Mapped]) -> Synthesis:
        files = {name: _stub(text) if name.removesuffix(".v") in known else text for name, text in made.files.items()}
        shutil.rmtree(self._work, ignore_errors=True)
        sources = [path for path in write_files(files, self._work / "rtl") if path.suffix == ".v"]
        return synthesise(sources, made.top, self._work, self.liberty, netlist=False)

    @property
    def _work(self) -> Path:
        return self.cache / "work"


def _mapped(done: Synthesis, known: Mapping[str, Mapped]) -> dict[str, Mapped]:
    areas, library = done.cell_areas(), done.library.cells
    found = {}
    for name, module in done.modules.items():
        if name not in known:
            cells = {kind: n for kind, n in module.cells.items() if kind in areas}
            inside = {kind: n for kind, n in module.cells.items() if kind not in areas}
            flops = sum(n for kind, n in cells.items() if library[kind].flop)
            found[name] = Mapped(sum(n * areas[kind] for kind, n in cells.items()), flops, cells, inside)
    return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, content.decode() + "\n")


def _stub(text: str) -> str:
    """Return a module without its content."""
    header = _HEADER.search(_COMMENT.sub("", text))
    if header is None:
        raise ValueError("a module has no header")
    return f"(* blackbox *)\n{header.group().replace('output reg', 'output wire')}\nendmodule\n"


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
