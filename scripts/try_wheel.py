"""What a stranger does with the wheel, in an environment that has nothing else; run by scripts/try-wheel.

``try_wheel.py EXTRA`` uses what the extra is for; without one it is what the wheel does alone. Not part of the package:
it imports nothing of the repository.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import econ_ae


def images_file(rows: int = 200) -> Path:
    """Write charges with a header, as a spreadsheet does: semicolons, CRLF."""
    import numpy as np

    rng = np.random.default_rng(3)
    charges = (rng.lognormal(4, 1, (rows, 48)) * (rng.random((rows, 48)) < 0.2)).astype(int)
    lines = [";".join(f"CALQ_{i}" for i in range(48)), *(";".join(map(str, row)) for row in charges)]
    path = Path("images.csv")
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def alone() -> None:
    """Five lines: a file, a reconstruction, its EMD; beside somebody else's `metrics.py`."""
    import numpy as np

    Path("metrics.py").write_text("raise SystemExit('this is not your metrics')\n", encoding="utf-8")
    images = econ_ae.read(images_file())
    received = np.where(images.charges > 50, images.charges, 0)
    distances = econ_ae.emd(images, received)
    assert len(distances) == 200
    assert 0 < np.nanmean(distances) < 5
    from econ_ae.metrics import emd_compiled  # type: ignore[import-not-found]

    assert emd_compiled.library() is not None, "the wheel has no compiled EMD"
    assert {path.name for path in Path(econ_ae.__file__).parents[1].iterdir()}.isdisjoint({"metrics", "sim", "rtl_gen"})
    told = econ_ae_says(2, "run", "--data", "images.csv", "--out", "run")
    assert "pip install 'econ-ae[train]'" in told, told
    econ_ae_says(0, "doctor", "--need", "core,emd")


def econ_ae_says(code: int, *arguments: str) -> str:
    """Run the command line; return what it says on standard error, one line where it fails."""
    program = Path(sys.executable).with_name("econ-ae")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    assert code == 0 or done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def plot() -> None:
    """Five lines from a file to a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    images = econ_ae.read(images_file())
    received = images.charges * (images.charges > 50)
    axes = econ_ae.plot.compare({"sent": images.charges[0], "received": received[0]})
    axes[0].figure.savefig("event.pdf")
    assert Path("event.pdf").stat().st_size > 5_000
    print("mean EMD", econ_ae.emd(images, received)[:5].mean())


def parquet() -> None:
    """A table of pyarrow."""
    import pyarrow
    from pyarrow import parquet as files

    charges = econ_ae.read(images_file()).charges
    table = pyarrow.table({f"CALQ_{i}": charges[:, i] for i in range(48)})
    files.write_table(table, "images.parquet")
    assert (econ_ae.read("images.parquet").charges == charges).all()


def root() -> None:
    """An ntuple of modules."""
    import numpy as np
    import uproot

    charges = econ_ae.read(images_file()).charges
    branches: dict[str, object] = {f"wafer_CALQ{i}": charges[:, i] for i in range(48)}
    for name in ("waferu", "waferv", "layer", "wafertype"):
        branches[f"wafer_{name}"] = np.ones(len(charges), np.int32)
    for name in ("eta", "energy", "simenergy"):
        branches[f"wafer_{name}"] = np.full(len(charges), 2.0)
    with uproot.recreate("images.root") as file:
        file["Events"] = branches
    assert (econ_ae.read("images.root").charges == charges).all()


def rtl() -> None:
    """Verilog of the chip's encoder shape, from Python; Icarus reads it where it is."""
    import shutil

    from econ_ae.rtl_gen.verilog import generate  # type: ignore[import-not-found]

    from econ_ae.config import RunConfig
    from econ_ae.config.skeleton import skeleton
    from econ_ae.geometry import LOW_DENSITY

    texts = generate(skeleton(RunConfig(), LOW_DENSITY))
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    if shutil.which("iverilog"):
        subprocess.run(["iverilog", "-g2005", "-o", "x", *map(str, texts)], check=True)
    import cocotb  # noqa: F401


def train() -> None:
    """The main job on a file, small: train, freeze, generate, verify in Icarus, report."""
    data = images_file(900)
    Path("small.toml").write_text("[training]\nepochs = 2\n[verify]\nreal_events = 20\nrandom_events = 20\n")
    econ_ae_says(0, "run", "--config", "small.toml", "--data", str(data), "--out", "run")
    run = econ_ae.load("run")
    assert run.emd().mean() > 0


def onnx() -> None:
    """The encoder as a graph."""
    econ_ae_says(0, "doctor", "--need", "onnx")


def explore() -> None:
    """Everything that a search imports."""
    econ_ae_says(0, "doctor", "--need", "explore,train")


def serve() -> None:
    """Everything that writing a model repository imports."""
    econ_ae_says(0, "doctor", "--need", "serve,onnx,train")


def physics() -> None:
    """Generated events, which scipy makes."""
    econ_ae_says(0, "data", "generate", "--out", "events.npz", "--events", "2")
    econ_ae_says(0, "doctor", "--need", "physics")


def pythia() -> None:
    """Collisions."""
    econ_ae_says(0, "doctor", "--need", "pythia")


def pot() -> None:
    """POT in place of the compiled engine."""
    econ_ae_says(0, "doctor", "--need", "pot")


USES: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (plot, parquet, root, rtl, train, onnx, explore, serve, physics, pythia, pot)
}

if __name__ == "__main__":
    USES.get(sys.argv[1], alone)() if sys.argv[1] else alone()
