"""The framework's own file of weights, written by one version and read by the other."""

from benchmarks.parity.judge.gap import FAIL, Gap, compare, missing
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.plan import EXCHANGED
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import TensorName
from common.cli import UsageError


def weights_stage(pair: Pair) -> Stage:
    """Both ways: bit-identical, into a model that had zeros before."""
    gaps = [
        *_exchange(pair, writer="torch", reader="paddle"),
        *_exchange(pair, writer="paddle", reader="torch"),
    ]
    pair.reload()
    first = next((gap for gap in gaps if gap.verdict == FAIL), None)
    layer = pair.layer_of(first.name) if first else None
    suspect = Suspect(layer=layer, relative_l2=None, path=first.note or "") if first else None
    return Stage(name=EXCHANGED, tolerance=0.0, gaps=gaps, first=first, suspect=suspect)


def _exchange(pair: Pair, *, writer: str, reader: str) -> list[Gap]:
    way = f"written by {writer}, read by {reader}"  # a report has other words for the sides
    pair.reload()
    file = pair.path("exchanged.weights")
    pair.ask(writer, "save_file", path=file)
    written = _saved(pair, writer)
    blank = pair.folder("blank")
    blank.fill((name, 0 * written.load(name)) for name in written)
    pair.ask(reader, "load", source=str(blank.path))
    blank.clear()
    try:
        pair.ask(reader, "load_file", path=file)
    except UsageError as error:
        return [missing(way, note=str(error))]
    read = _saved(pair, reader)
    gaps = [_compare(name, written, read, way=way) for name in written]
    for folder in (written, read):
        folder.clear()
    return gaps


def _saved(pair: Pair, side: str) -> TensorFolder:
    """Parameters and buffers as a side has them now."""
    folder = pair.folder(f"saved-{side}")
    pair.ask(side, "save", target=str(folder.path))
    return folder


def _compare(name: str, written: TensorFolder, read: TensorFolder, *, way: str) -> Gap:
    title = f"{way}: {TensorName(name).label}"
    if name not in read:
        return missing(title, note="the other side has it not")
    return compare(title, written.load(name), read.load(name), tolerance=0.0)
