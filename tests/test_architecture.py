"""The import rules: data flows one way, heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

from scripts import architecture

ROOT = architecture.ROOT


def sources() -> list[Path]:
    return sorted(architecture.modules().values())


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def breaches(path: Path, forbidden: tuple[str, ...], allowed: tuple[str, ...] = ()) -> list[str]:
    def under(name: str, prefixes: tuple[str, ...]) -> bool:
        return any(name == p or name.startswith(p + ".") for p in prefixes)

    return sorted(n for n in imports(path) if under(n, forbidden) and not under(n, allowed))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_import_rules(path: Path) -> None:
    name = name_of(path)
    elsewhere = "econ_ae/app/imported/hgq2/reader.py"  # runs under an interpreter of its own
    if not name.startswith("econ_ae/training/") and name != elsewhere:
        assert not breaches(path, ("tensorflow", "tf_keras", "keras", "qkeras"))
    if not name.startswith("econ_ae/app/"):
        assert name == "econ_ae/__main__.py" or not breaches(path, ("econ_ae.app",)), "the application is the top floor"
    if name.startswith("econ_ae/") and not name.startswith("econ_ae/app/"):
        allowed = ("metrics.emd",) if name == "econ_ae/training/losses.py" else ()
        assert not breaches(path, ("rtl_gen", "sim", "metrics"), allowed)
    if name.startswith("rtl_gen/"):
        allowed = (
            "econ_ae.ir",
            "econ_ae.fixedpoint",
            "econ_ae.geometry",
            "econ_ae.process",
            "econ_ae.errors",
            "econ_ae.texts",
        )
        assert not breaches(path, ("econ_ae", "sim", "metrics"), allowed)
    if name.startswith("metrics/"):
        allowed = ("econ_ae.geometry", "econ_ae.econt", "econ_ae.data", "econ_ae.errors")
        assert not breaches(path, ("econ_ae", "rtl_gen", "sim"), allowed)
    if name == "metrics/emd.py":
        assert not breaches(path, ("econ_ae", "scipy"), ("econ_ae.geometry", "econ_ae.errors"))


def test_programs_start_in_one_place() -> None:
    starters = ("subprocess", "multiprocessing.Process", "os.system", "os.popen", "os.execv", "os.posix_spawn", "pty")
    assert breaches(ROOT / "econ_ae/process.py", starters) == ["subprocess"]
    found = {name_of(path): breaches(path, starters) for path in sources() if name_of(path) != "econ_ae/process.py"}
    calls = {
        name_of(path) for path in sources() if re.search(r"\bos\.(system|popen|exec\w+|spawn\w+)\(", path.read_text())
    }
    assert ({name: used for name, used in found.items() if used}, calls) == ({}, set())


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected parts of more than one module (networkx keeps its own tests)."""
    edges = [(module, other) for module, others in graph.items() for other in others if other != module]
    return [sorted(part) for part in networkx.strongly_connected_components(networkx.DiGraph(edges)) if len(part) > 1]


def test_no_import_circle() -> None:
    assert circles({"a": {"b"}, "b": {"a"}}) == [["a", "b"]]
    assert circles(architecture.imports()) == []


def test_glue_imports_generators_lazily() -> None:
    code = (
        "import sys, econ_ae.app.cli, econ_ae.app.pipeline\n"
        "loaded = {'tensorflow', 'ot', 'cocotb', 'matplotlib', 'rtl_gen', 'sim', 'metrics'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, econ_ae.app.cli as c\n"
        "sys.argv = ['econ-ae', '--help']\n"
        "try:\n    c.main()\nexcept SystemExit:\n    pass\n"
        "loaded = {'numpy', 'pydantic', 'tensorflow'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_files_stay_readable() -> None:
    long = {name_of(p): n for p in sources() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 320}
    assert not long, "one idea per file, about 300 lines"
