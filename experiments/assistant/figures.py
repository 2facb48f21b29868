"""How well a shop's encoder tells people apart, and how often its own thresholds are wrong: on others than its own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.assistant.calibration import DOOR, PAYMENT
from experiments.assistant.pictures import drawn_customers, orl_people
from experiments.assistant.shop import Shop
from experiments.results import Result
from matching.face.calibration import Calibration
from matching.face.evaluate import Estimate, GroupRow, at_least_3_in, bootstrap, by_group, verification
from matching.face.open_set import by_gallery_size
from matching.face.rates import DetCurve, all_pairs
from matching.face.templates import templates_of
from retail.errors import DataError
from retail.faces import FaceSet, load_face_folder, shifted

GOOD, DOOR_CAMERA = "good camera", "door camera"
"""Who takes the pictures: they are as they are, or as a cheap camera over the door would take them (`shifted`)."""
PHOTOS: Final = 5
"""Pictures in a template; all others are probes."""
_DRAWN: Final = 40
_DRAWS: Final = 20
_FMRS: Final = (1e-2, 1e-3)
_FPIR: Final = 0.01


@dataclass(frozen=True, eq=False)
class Figures:
    """What was measured.

    Attributes:
        people: on whom, in words.
        rows: figures.
        groups: error rates by group at the till's threshold; empty without groups or a threshold.
        det: camera -> the DET curve of every picture against every other.
        left_out: what could not be measured, and why.
    """

    people: str
    rows: tuple[Result, ...]
    groups: tuple[GroupRow, ...]
    det: Mapping[str, DetCurve]
    left_out: tuple[str, ...]


def choose_judges(shop: Shop, wanted: str = "") -> FaceSet:
    """Return people on whom a shop can be judged: neither trained nor calibrated on.

    Args:
        shop: whose encoder and thresholds.
        wanted: "orl" (those who are left), "drawn", or a folder of people; empty for "orl".

    Raises: DataError: nobody is left, nobody knows whether ORL's people were trained on, or the folder cannot be used.
    """
    taken = {*shop.settings.calibrated_on, *shop.settings.trained_on}
    if wanted in ("", "orl"):
        if not shop.settings.trained_known:
            raise DataError(
                "whom this shop's encoder was trained on is unknown, so people of ORL may be among them and figures on "
                "them look better than they are; judge on drawn, or on a folder of people whom it cannot have seen"
            )
        numbers = [number for number in range(1, 41) if f"orl:{number}" not in taken]
        if len(numbers) < 2:
            raise DataError("fewer than two people of ORL are left; judge on drawn, or on a folder of other people")
        return orl_people(numbers)
    if wanted == "drawn":
        return drawn_customers(1, _DRAWN)
    faces = load_face_folder(wanted)
    both = sorted(taken & set(faces.names))
    if both:
        raise DataError(
            f"{len(both)} people of {wanted} were trained or calibrated on, such as {both[0]!r}; figures on them would "
            "look better than they are, so take them out"
        )
    return faces


def evaluate(
    shop: Shop,
    faces: FaceSet,
    *,
    groups: Mapping[str, str] | None = None,
    seed: int = 0,
    resamples: int = 1000,
    progress: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Measure a shop on people who are neither trained nor calibrated on, by a good camera and by one over the door.

    Args:
        shop: whose encoder and thresholds.
        faces: at least two people with more than `PHOTOS` pictures each.
        groups: name -> group.
        seed: of bootstraps, drawn galleries and the other camera.
        resamples: of the bootstraps over people.
        progress: takes a line now and then.

    Raises: DataError: too few people or pictures.
    """
    if faces.people < 2 or np.bincount(faces.person, minlength=faces.people).min() <= PHOTOS:
        raise DataError(f"judging needs at least two people with more than {PHOTOS} pictures each; give such a folder")
    rows: list[Result] = []
    left_out: list[str] = []
    det: dict[str, DetCurve] = {}
    table: tuple[GroupRow, ...] = ()
    for camera, seen in ((GOOD, faces), (DOOR_CAMERA, shifted(faces, np.random.default_rng(seed)))):
        progress(camera)
        # A stream for each, so that the number of resamples changes intervals alone, never which galleries are drawn.
        rng, galleries, splits = (np.random.default_rng([seed, number]) for number in range(3))
        vectors = shop.encoder.encode(list(seen.images)).vectors.astype(np.float64)
        report = verification(vectors, seen.person, rng=rng, fmr=_FMRS, resamples=resamples)
        det[camera] = report.det
        rows.append(_row(f"eer({camera})", report.eer, report.people))
        rows += [_row(f"fnmr({camera}, fmr {rate:g})", found, report.people) for rate, found in report.fnmr.items()]
        left_out += [f"fnmr({camera}, fmr {rate:g}): fewer than {3 / rate:g} comparisons" for rate in report.left_out]
        sizes = [size for size in (5, 10, 20, 50, 100) if size < faces.people]
        by_size: dict[int, Estimate] = {}
        if sizes:
            by_size = by_gallery_size(
                vectors, seen.person, sizes=sizes, rng=galleries, photos=PHOTOS, fpir=_FPIR, draws=_DRAWS
            )
        for size, found in by_size.items():
            rows.append(_row(f"fnir({camera}, fpir {_FPIR:g}, gallery {size})", found, faces.people))
        for name, found in _at_thresholds(shop, vectors, seen.person, splits, resamples).items():
            rows.append(_row(name.format(camera=camera), found, faces.people))
        if camera == GOOD and groups is not None:
            table = _groups(shop, vectors, seen, groups, rng)
    return Figures(f"{faces.people} people of {faces.source}", tuple(rows), table, det, tuple(left_out))


def write_det(path: Path, figures: Figures) -> None:
    """Write the DET curves as CSV: camera, fmr, fnmr; never a threshold or a score."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["camera", "fmr", "fnmr"])
        for camera, curve in figures.det.items():
            writer.writerows(
                [camera, f"{fmr:.6f}", f"{fnmr:.6f}"] for fmr, fnmr in zip(curve.fmr, curve.fnmr, strict=True)
            )


def read_groups(path: Path) -> dict[str, str]:
    """Read a CSV with columns person and group. Raises: DataError: it cannot be read, or has other columns."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {row["person"]: row["group"] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the groups in {path} ({error}); give a CSV file") from error
    except KeyError as error:
        raise DataError(f"{path} has no column {error}; it needs the columns person and group") from error


def _at_thresholds(
    shop: Shop, vectors: Any, person: Any, rng: np.random.Generator, resamples: int
) -> dict[str, Estimate]:
    """Error rates as they are at till and door, with the shop's thresholds and templates of several pictures."""
    found: dict[str, Estimate] = {}
    till, at_door = rng.spawn(2)
    chosen = [_split(person, rng) for _ in range(_DRAWS)]
    if not shop.settings.payment:
        level = Calibration.load(shop.folder / PAYMENT).threshold(1e-3)
        fmr, fnmr = _both(vectors, person, chosen, level, till, resamples)
        found |= {"fmr({camera}, at the till)": fmr, "fnmr({camera}, at the till)": fnmr}
    door = Calibration.load(shop.folder / DOOR)
    fpir, fnir = _open_set(vectors, person, chosen, door.thresholds[-1][1], at_door, resamples)
    return found | {"fpir({camera}, at the door)": fpir, "fnir({camera}, at the door)": fnir}


def _split(person: Any, rng: np.random.Generator) -> Any:
    """Choose at random the pictures of each person that make the template; (n,) bool."""
    enrolled = np.zeros(len(person), dtype=bool)
    for one in np.unique(person):
        enrolled[rng.permutation(np.flatnonzero(person == one))[:PHOTOS]] = True
    return enrolled


def _both(vectors: Any, person: Any, chosen: list[Any], level: float, rng: Any, resamples: int) -> list[Estimate]:
    """FMR and FNMR of one probe against one template."""
    names = np.unique(person)
    hit = np.zeros((len(names), len(names)))  # matches of a person's probes with a person's template
    asked = np.zeros_like(hit)
    for enrolled in chosen:
        probes = ~enrolled
        match = vectors[probes] @ templates_of(vectors, person, enrolled).T >= level
        place = np.searchsorted(names, person[probes])
        np.add.at(hit, place, match)
        np.add.at(asked, place, 1)
    own = np.eye(len(names), dtype=bool)

    def rates(weights: Any) -> list[float]:
        one = np.ones(len(names)) if weights is None else weights
        pair = np.where(own, one[:, None], one[:, None] * one[None, :])
        false = (pair * hit)[~own].sum() / (pair * asked)[~own].sum()
        return [float(false), float(1 - (pair * hit)[own].sum() / (pair * asked)[own].sum())]

    fmr, fnmr = bootstrap(
        rates, len(names), rng=rng, resamples=resamples, needs=lambda weights: (weights > 0).sum() >= 2
    )
    return [at_least_3_in(one, len(names)) for one in (fmr, fnmr)]


def _open_set(vectors: Any, person: Any, chosen: list[Any], level: float, rng: Any, resamples: int) -> list[Estimate]:
    """FPIR of strangers and FNIR of customers at the door, half of the people enrolled at a time."""
    names = np.unique(person)
    counts = np.zeros((4, len(names)))  # alarms and probes as a stranger, misses and probes as a customer
    for enrolled in chosen:
        customers = np.isin(np.arange(len(names)), rng.permutation(len(names))[: max(1, len(names) // 2)])
        probes = ~enrolled
        score = vectors[probes] @ templates_of(vectors, person, enrolled)[customers].T
        place = np.searchsorted(names, person[probes])
        found, top = np.flatnonzero(customers)[score.argmax(axis=1)], score.max(axis=1) >= level
        stranger = ~customers[place]
        np.add.at(counts[0], place, stranger & top)
        np.add.at(counts[1], place, stranger)
        np.add.at(counts[2], place, ~stranger & ~(top & (found == place)))
        np.add.at(counts[3], place, ~stranger)

    def rates(weights: Any) -> list[float]:
        one = np.ones(len(names)) if weights is None else weights
        alarms, strangers, misses, customers = counts @ one
        return [float(alarms / strangers), float(misses / customers)]

    def usable(weights: Any) -> bool:
        total = counts @ weights
        return bool(total[1] > 0 and total[3] > 0)

    fpir, fnir = bootstrap(rates, len(names), rng=rng, resamples=resamples, needs=usable)
    return [at_least_3_in(one, len(names)) for one in (fpir, fnir)]


def _groups(
    shop: Shop, vectors: Any, faces: FaceSet, groups: Mapping[str, str], rng: np.random.Generator
) -> tuple[GroupRow, ...]:
    unknown = sorted(set(groups) - set(faces.names))
    if unknown:
        raise DataError(f"the groups name {unknown[0]!r}, who is not among the people judged; correct the file")
    if shop.settings.payment:
        return ()
    level = Calibration.load(shop.folder / PAYMENT).threshold(1e-3)
    of = {place: groups[name] for place, name in enumerate(faces.names) if name in groups}
    return tuple(by_group(all_pairs(vectors, faces.person), of, threshold=level, rng=rng))


def _row(name: str, found: Estimate, people: int) -> Result:
    return Result(name, found.value, found.lo, found.hi, "1", people)
