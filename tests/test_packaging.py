"""What leaves the repository: the wheel, in an environment of its own, and the files that say what to do with it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from econ_ae.app.doctor import PYTHONS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROGRAMS = Path(sys.executable).parent
BUILTIN = {
    "CITATION.cff": "citation-file-format",
    ".github/workflows/ci.yml": "github-workflows",
    ".github/workflows/release.yml": "github-workflows",
    ".github/ISSUE_TEMPLATE/bug.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/feature.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
    ".gitlab-ci.yml": "gitlab-ci",
}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    """The functions of setup.py."""
    spec = importlib.util.spec_from_file_location("econ_ae_setup", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("from metrics.emd import emd\n", "from econ_ae.metrics.emd import emd\n"),
        ("if x:\n    from sim import result\n", "if x:\n    from econ_ae.sim import result\n"),
        ("import rtl_gen.verilog as v\n", "import econ_ae.rtl_gen.verilog as v\n"),
        ("import os, sim.bench as b, sim.hls as h\n", "import os, econ_ae.sim.bench as b, econ_ae.sim.hls as h\n"),
        ("from econ_ae.sim import x\nimport simpy\n", None),
        ("from .sim import x\n", None),
        ('"""From metrics.emd import."""\nx = "metrics.json"  # import sim\n', None),
    ],
)
def test_imports_are_rewritten_and_nothing_else(builder: ModuleType, source: str, wanted: str | None) -> None:
    assert builder.rewritten(source, "x.py") == (wanted or source)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import metrics.emd\n", "x.py:1: import metrics.emd binds metrics.emd; use from or as"),
        ("\nNAME = 'sim.bench.bench'\n", "x.py:2: 'sim.bench.bench' names a module; make it of __package__"),
        ("from  metrics.emd import emd\n", "is an import in a form that a build does not rewrite"),
    ],
)
def test_what_cannot_be_rewritten_safely_is_refused(
    builder: ModuleType, source: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SyntaxError, match=re.escape(problem)):
        builder.rewritten(source, "x.py")


def test_every_source_can_be_rewritten(builder: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    changed = 0
    for name in ("econ_ae", *builder.MOVED):
        for path in (ROOT / name).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            text = builder.rewritten(source, str(path))
            changed += text != source
            assert not re.search(r"^\s*(from|import) (metrics|rtl_gen|sim)\b", text, re.MULTILINE)
    assert changed > 100


def test_a_stranger_uses_the_wheel(tmp_path: Path) -> None:
    """Built, marked for manylinux, and used by scripts/try_wheel.py in an empty environment and directory."""
    done = subprocess.run(
        ["bash", ROOT / "scripts" / "wheel", tmp_path],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "the wheel alone works" in done.stderr
    assert "plot works" in done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert str(wheel) == done.stdout.strip()
    assert re.fullmatch(r"econ_ae-[^-]+-cp311-abi3-manylinux.*\.whl", wheel.name)
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"econ_ae"}
    assert "econ_ae/metrics/_transport.abi3.so" in names
    assert {"econ_ae/config/presets/quick.toml", "econ_ae/metrics/report/templates/report.html.j2"} <= set(names)
    assert not [name for name in names if name.endswith((".c", ".pyc")) or "/tests/" in name]


@pytest.mark.parametrize("name", BUILTIN)
def test_files_fit_their_schemas(name: str) -> None:
    transform = ["--data-transform", "gitlab-ci"] if "gitlab" in name else []
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", f"vendor.{BUILTIN[name]}", *transform, ROOT / name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_wrong_citation_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.cff").write_text("cff-version: 1.2.0\ntitle: no authors\n", encoding="utf-8")
    command = [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.citation-file-format", tmp_path / "x.cff"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_the_container_is_linted(tmp_path: Path) -> None:
    done = subprocess.run([PROGRAMS / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /x\n", encoding="utf-8")
    assert subprocess.run([PROGRAMS / "hadolint", tmp_path / "Dockerfile"], capture_output=True, check=False).returncode


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_both_platforms_run_the_same_checks() -> None:
    steps = read(".github/workflows/ci.yml")["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert read(".gitlab-ci.yml")["test"]["script"] == [".ci/run"]
    pythons = read(".github/workflows/ci.yml")["jobs"]["light"]["strategy"]["matrix"]["python"]
    named = [line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    codemeta = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert pythons == named == [one.removeprefix("Python ") for one in codemeta["runtimePlatform"]]
    assert (pythons[0], pythons[-1]) == tuple(f"{major}.{minor}" for major, minor in PYTHONS)
    (oldest, beyond) = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()  # type: ignore[union-attr]
    assert (3, int(oldest)) == PYTHONS[0]
    assert (3, int(beyond) - 1) == PYTHONS[1]


def test_the_files_say_the_same_of_the_project() -> None:
    citation, codemeta = read("CITATION.cff"), json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert citation["license"] == PROJECT["license"] == codemeta["license"].rsplit("/", 1)[1]
    assert codemeta["description"] == PROJECT["description"]
    assert codemeta["referencePublication"]["identifier"].endswith(citation["references"][0]["doi"])
    extras = re.findall(r"\[([\w,]+)\]'?$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    pip = read("environment.yml")["dependencies"][-1]["pip"]
    assert extras
    for listed in [*extras, re.search(r"\[(.*)\]", pip[-1])[1]]:  # type: ignore[index]
        assert set(listed.split(",")) <= set(PROJECT["optional-dependencies"])


def test_release_notes_are_the_part_of_the_changelog(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "release-notes"
    script.write_bytes((ROOT / "scripts" / "release-notes").read_bytes())
    (tmp_path / "CHANGELOG.md").write_text("# C\n\n## Unreleased\n- no\n## 1.2.0 - 2026\n- a\n- b\n## 1.1.0\n- c\n")
    done = subprocess.run(["bash", script, "v1.2.0"], capture_output=True, text=True, check=True)
    assert done.stdout == "- a\n- b\n"
    done = subprocess.run(["bash", script, "v9"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no part '## 9'" in done.stderr


def test_nothing_says_from_where_packages_come() -> None:
    """No address is written, and no option that takes one: those of the machine count."""
    address = re.compile(r"\w+://(?!json-schema|doi\.org)|--?(index|extra-index|find-links|trusted-host)")
    names = [
        "Dockerfile",
        "environment.yml",
        "pyproject.toml",
        "constraints.txt",
        *BUILTIN,
        "scripts/wheel",
        "setup.py",
    ]
    assert [name for name in names if address.search((ROOT / name).read_text(encoding="utf-8"))] == []
