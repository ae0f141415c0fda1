"""What pyproject.toml cannot say: the compiled part, and where `metrics`, `rtl_gen` and `sim` go in a wheel.

The compiled part is a C library called through ctypes, so it needs a compiler but no Python headers, and one wheel is
for every Python. Without a compiler the package installs all the same and takes POT for the EMD.

In this repository, and in an editable installation of it, `metrics`, `rtl_gen` and `sim` are packages of their own. In
somebody's site-packages these names would shadow, or be shadowed by, others' packages and scripts. So a build moves
them to `econ_ae.metrics`, `econ_ae.rtl_gen` and `econ_ae.sim`, and rewrites the imports of what it moves. It refuses
sources in which a rewritten import would mean something else, or a text names one of their modules.
"""

import ast
import re
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.egg_info import egg_info

HOME = "econ_ae"
MOVED = ("metrics", "rtl_gen", "sim")


def moved_name(name: str) -> bool:
    """Tell whether a module is one of those that a build moves, or inside one."""
    return name.partition(".")[0] in MOVED


def rewritten(source: str, where: str) -> str:
    """Return a module's source as it is in a wheel; SyntaxError where that cannot be done safely."""
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source, where)
    places = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module and moved_name(node.module):
            places.append((node.lineno, node.col_offset, "from ", node.module))
        elif isinstance(node, ast.Import):
            for name in node.names:
                if moved_name(name.name):
                    if name.asname is None:
                        raise SyntaxError(
                            f"{where}:{node.lineno}: import {name.name} binds {name.name}; use from or as"
                        )
                    places.append((name.lineno, name.col_offset, "", name.name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            path = Path(*node.value.split(".")) if re.fullmatch(r"\w+(\.\w+)+", node.value) else None
            if path and moved_name(node.value) and (path.is_dir() or path.with_suffix(".py").is_file()):
                raise SyntaxError(f"{where}:{node.lineno}: {node.value!r} names a module; make it of __package__")
    for line, column, before, module in sorted(places, reverse=True):
        text = lines[line - 1]
        if not text[column:].startswith(before + module):
            raise SyntaxError(f"{where}:{line}: {text.strip()!r} is an import in a form that a build does not rewrite")
        at = column + len(before)
        lines[line - 1] = f"{text[:at]}{HOME}.{text[at:]}"
    return "".join(lines)


class Build(build):
    """A build of a wheel, which editable installations do without."""

    def run(self) -> None:
        """Build, then move and rewrite."""
        library = Path(self.build_lib)
        shutil.rmtree(library, ignore_errors=True)  # what an earlier build left is in no wheel
        super().run()
        for name in MOVED:
            (library / name).rename(library / HOME / name)
        for path in sorted([*library.rglob("*.py"), *library.rglob("*.pyi")]):
            source = path.read_text(encoding="utf-8")
            path.write_text(rewritten(source, path.relative_to(library).as_posix()), encoding="utf-8")


class EggInfo(egg_info):
    """Metadata that name the one package a wheel brings."""

    def run(self) -> None:
        """Write, then correct."""
        super().run()
        Path(self.egg_info, "top_level.txt").write_text(f"{HOME}\n", encoding="utf-8")


if __name__ == "__main__":  # tests import the functions above
    setup(
        cmdclass={"build": Build, "egg_info": EggInfo},
        ext_modules=[
            Extension(
                "metrics._transport",
                ["metrics/transport.c"],
                depends=["metrics/transport_simplex.h"],
                # Contraction to fused multiply-adds would make numbers depend on the processor.
                extra_compile_args=["-O3", "-ffp-contract=off"],
                optional=True,
                py_limited_api=True,
            )
        ],
        options={"bdist_wheel": {"py_limited_api": "cp311"}},
    )
