"""The section of a run's data and those below it: where images come from and which rows do what."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from econ_ae.config.sections import SYNTHETIC, Section, SyntheticConfig

CMS, CMS_FRONT = "cms", "cms-front"
"""Class maps by layer that come with the package."""

_WHOLE_EVENTS = ".npz"
_Count = Annotated[int, Field(ge=1)]
_Events = Annotated[int, Field(ge=1, le=10**10)]


class ModuleBranchesConfig(Section):
    """Names of the branches of an ntuple with one value per module; '' does without one."""

    prefix: str | None = Field(None, description="before every name; default: none or 'L1THGCAL_', what the tree has")
    charge: Annotated[str, Field(min_length=1)] = Field(
        "wafer_CALQ", description="start of the charges' names, before their number or '_' and their number"
    )
    eta: str = Field("wafer_eta", description="pseudorapidity of the module's centre")
    u: str = Field("wafer_waferu", description="number of the module")
    v: str = Field("wafer_waferv", description="number of the module")
    layer: str = Field("wafer_layer", description="the detector's layer number")
    type: str = Field("wafer_wafertype", description="0: 120, 1 and 3: 200, 2: 300 um of silicon")
    energy: str = Field("wafer_energy", description="energy, GeV")
    sim_energy: str = Field("wafer_simenergy", description="simulated energy, GeV")


class RootConfig(Section):
    """What is taken of a ROOT ntuple."""

    tree: str = Field("hgcalTriggerNtuplizer/HGCalTriggerNtuple", description="name of the tree in the file")
    charge: Literal["data", "uncompressed", "compressed"] = Field(
        "data", description="charge that the front end's code stands for, the one before it, or the code"
    )
    layers: tuple[_Count, ...] = Field((), description="trigger layers to take; default: all")
    wafer: tuple[int, int] | None = Field(None, description="(u, v) of the one wafer to take; default: all")
    zside: Literal[-1, 1] | None = Field(None, description="side to take; default: both")
    transverse: bool = Field(False, description="calibrate every charge by 1/cosh(eta), as the chip can")
    modules: ModuleBranchesConfig = ModuleBranchesConfig()


class CmsEventsConfig(Section):
    """What is taken of a file of whole events, and which events do what."""

    layers: tuple[Annotated[int, Field(ge=0)], ...] = Field((), description="trigger layers to take; default: all")
    section: Literal["all", "CE-E", "CE-H"] = Field("all", description="section to take: layers 0-12, or 13 and more")
    thickness: tuple[Literal[120, 200, 300], ...] = Field((), description="silicon in um to take; default: all")
    zside: Literal[-1, 1] | None = Field(None, description="side to take; default: both")
    calibration: Literal["transverse", "counts"] = Field(
        "transverse", description="charges times 1/cosh(eta) as the chip computes it, or decoded counts as they are"
    )
    train_events: str | None = Field(None, description="ranges such as '0:54'; default: all that are in no other")
    validation_events: str | None = Field(None, description="default: the last tenth of those that would train")
    report_events: str | None = Field(None, description="default: the last seventh of all")


class ResampleConfig(Section):
    """Training rows of signal and of pileup in a chosen share; validation and report rows stay as they are."""

    column: Annotated[str, Field(min_length=1)] = Field(
        "sim_energy", description="metadata column that tells signal, or 'sum', the module sum in CALQ"
    )
    above: float | None = Field(None, description="rows with more than this are signal")
    values: tuple[float, ...] | None = Field(None, description="rows with one of these are signal, instead of 'above'")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="of signal among the training rows")
    repeat: bool = Field(False, description="repeat rows of the kind that lacks, instead of leaving out the other's")
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = Field(None, description="default: that of the run")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.above is None) == (self.values is None):
            raise ValueError("expected one of above and values")
        return self


class ModulesConfig(Section):
    """One class of modules of the whole detector."""

    map: Annotated[str, Field(min_length=1)] = Field(
        CMS, description="'cms', 'cms-front', or a CSV or JSON file that says which module is in which class"
    )
    classes: Annotated[tuple[str, ...], Field(min_length=1)] = Field(description="names of all classes of the map")
    elinks: Annotated[tuple[Annotated[int, Field(ge=1, le=13)], ...], Field(min_length=1)] = Field(
        description="of every class"
    )
    take: str = Field(description="the class whose modules are taken")
    sha256: str | None = Field(None, description="of what the map says, to find out when its file was changed")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.classes) != len(self.elinks) or len(set(self.classes)) < len(self.classes):
            raise ValueError("expected one number of eLinks per class, and every class once")
        if self.take not in self.classes:
            raise ValueError(f"take is {self.take!r}; expected one of {', '.join(self.classes)}")
        return self


class DataConfig(Section):
    """Which trigger-cell images, and which of their rows train and report."""

    source: Annotated[str, Field(min_length=1)] = Field(
        SYNTHETIC, description="'synthetic', 'pythia', a CSV, ROOT, HDF5 or npz file, or a directory of CSV files"
    )
    events: _Events = Field(10_000, description="events to generate, where the source is a generator")
    limit: _Events | None = Field(None, description="read only the first rows of the file")
    field_order: Literal["msb-first", "lsb-first"] = Field("msb-first", description="first cell of an ePortRX word")
    density: Literal[1, 3] | None = Field(None, description="of the 7-bit codes; default: by the file's form")
    zero_code: Literal["suppressed", "bin-centre"] | None = Field(None, description="what code 0 stands for")
    registers: str | None = Field(
        None, description="YAML of ECON-T registers whose mux and calibration hexadecimal words go through"
    )
    train: str | None = Field(None, description="rows that train, such as '0:8000'; default: the first 80 %")
    report: str | None = Field(None, description="rows of the report, such as '8000:10000'; default: the last 20 %")
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="share of the training rows")
    keep_copies: bool = Field(False, description="also train on rows whose image is repeated in the report")
    memory_mb: _Count = Field(2048, description="a dataset file that needs more is streamed from disk in training")
    resample: ResampleConfig | None = Field(None, description="default: none")
    modules: ModulesConfig | None = Field(None, description="default: all modules")
    root: RootConfig = RootConfig()
    cms_events: CmsEventsConfig = CmsEventsConfig()
    synthetic: SyntheticConfig = SyntheticConfig()

    @property
    def in_counts(self) -> bool:
        """Tell whether charges are decoded counts of whole events, and not CALQ."""
        return self.source.endswith(_WHOLE_EVENTS) and self.cms_events.calibration == "counts"
