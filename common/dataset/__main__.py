"""Lists of labelled images: made from whatever holds such images, read, checked.

    python -m common.dataset index SOURCE --output DIR [--classes a,b,c] [--format path-label|label-path|csv]
    python -m common.dataset split SOURCE --output DIR [--valid 0.1] [--test 0] [--seed 0]
    python -m common.dataset check LIST [--root DIR] [--write-clean FILE] [--json FILE]
    python -m common.dataset fetch {flowers,mnist,cifar10,hymenoptera} --output DIR [--mirror URL]

SOURCE is a tree with one folder per class, a folder of idx files or of CIFAR-10 batches, a list, or the word
``digits``. A list has one ``path<TAB>label`` per line, and ``classes.json`` beside it maps each index to its
class.
"""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from common import cli
from common.cli import UsageError
from common.dataset.check_report import report
from common.dataset.checking import ListCheck
from common.dataset.index import Index
from common.dataset.list_folder import require_no_older
from common.dataset.list_formats import FORMATS
from common.dataset.lists import write_lists
from common.dataset.overlap import without_copies, without_repeats
from common.dataset.sources import read_source, warn_of_missing
from common.dataset.split_names import WHOLE
from common.dataset.splitting import complete, without_image
from common.download.catalogue import DATA_SETS
from common.files import require_folder, require_writable
from common.flag_values import natural, number
from common.terminal import configure_logging, printable

PROGRAM = "common.dataset"
Commands: TypeAlias = "argparse._SubParsersAction[cli.Parser]"


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="Make and check lists of labelled images.")
    commands = parser.add_subparsers(metavar="{index,split,check,fetch}", required=True)
    for add in (_add_index, _add_split, _add_check, _add_fetch):
        add(commands)
    options = parser.parse_args(arguments)
    configure_logging(PROGRAM)
    code: int = options.do(options)
    return code


def _add_index(commands: Commands) -> None:
    parser = commands.add_parser("index", help="write a list of each split of a source")
    _add_source(parser)
    parser.add_argument("--classes", default="", help="class names in label order, with commas")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help="how the lists of SOURCE are written, if not as path<TAB>label: "
        + "; ".join(f"{name}: {what}" for name, what in FORMATS.items()),
    )
    parser.set_defaults(do=_index)


def _add_split(commands: Commands) -> None:
    parser = commands.add_parser(
        "split", help="write train, valid and test lists of a source; copies nothing"
    )
    _add_source(parser)
    for name, default in (("valid", 0.1), ("test", 0.0)):
        parser.add_argument(
            f"--{name}",
            type=number(float, least=0, below=1),
            default=default,
            metavar="FRACTION",
            help=f"share of each class for {name} (default {default:g})",
        )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the draw (default 0)")
    parser.set_defaults(do=_split)


def _add_source(parser: cli.Parser) -> None:
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="a tree, a folder of idx or CIFAR files, lists, or digits"
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="folder of a list's images (default: the list's)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the lists")


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser("check", help="decode every image of a list and print the bad lines")
    parser.add_argument("list", type=Path, metavar="LIST", help="one path<TAB>label per line")
    parser.add_argument("--root", type=Path, metavar="DIR", help="folder of the images (default: the list's)")
    parser.add_argument("--write-clean", type=Path, metavar="FILE", help="the list without its bad lines")
    parser.add_argument("--json", type=Path, metavar="FILE", help="path, line and problem of each bad line")
    parser.set_defaults(do=_check)


def _add_fetch(commands: Commands) -> None:
    parser = commands.add_parser("fetch", help="download a published data set, checked, into a folder of DIR")
    parser.add_argument("name", choices=list(DATA_SETS), help="the data set")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="parent folder of the data set"
    )
    parser.add_argument(
        "--mirror", default="", metavar="URL", help="folder that holds copies of the same files"
    )
    parser.set_defaults(do=_fetch)


def _index(options: argparse.Namespace) -> int:
    names = [name for name in options.classes.split(",") if name]
    splits = read_source(
        options.source, classes=names, root=options.root, ignore_lists=True, form=options.format
    )
    warn_of_missing(splits)
    return _write({name: without_repeats(index) for name, index in splits.items()}, options.output)


def _split(options: argparse.Namespace) -> int:
    fractions = {"valid": options.valid, "test": options.test}
    splits = read_source(options.source, root=options.root, ignore_lists=True)
    warn_of_missing(splits)
    base = next((name for name in (WHOLE, "train") if name in splits), None)
    if base is not None:
        splits = {**splits, base: without_copies(splits[base])}
    parts = complete(splits, fractions=fractions, seed=options.seed)
    for name in without_image(parts, fractions):
        raise UsageError(
            f"{options.source}: --{name} {fractions[name]:g} leaves no image for {name}, since no class has "
            f"enough; give a larger fraction, or 0 for none"
        )
    return _write(parts, options.output)


def _write(splits: Mapping[str, Index], output: Path) -> int:
    require_folder(output)
    require_no_older(splits, output)
    for made in write_lists(splits, output).values():
        classes = f"{len(set(made.labels.tolist()))} classes"
        print(printable(f"{made.source}: {len(made)} images, {classes}"))
    return cli.DONE


def _check(options: argparse.Namespace) -> int:
    for target in (options.write_clean, options.json):
        if target is not None:
            require_writable(target)
    check = ListCheck(options.list, root=options.root)
    *details, verdict = report(check, json_file=options.json, clean=options.write_clean)
    print("\n".join([*details, verdict]))
    is_written = options.write_clean is not None and check.bad < check.lines
    if is_written and options.write_clean.resolve().parent != check.root.resolve():
        print(printable(f"{options.write_clean}: its images lie below {check.root}: name that with --root"))
    if check.bad:
        cli.complain(PROGRAM, verdict)
        return cli.FAILED
    return cli.DONE


def _fetch(options: argparse.Namespace) -> int:
    from common.download.fetching import count_files, fetch

    folder, fresh = fetch(options.name, options.output, mirror=options.mirror)
    print(f"{folder}: {count_files(folder)} files, {'fetched' if fresh else 'complete already'}")
    words = [DATA_SETS[options.name].then, folder, "--output", options.output / f"{options.name}_lists"]
    print("lists of them: python -m common.dataset", shlex.join(map(str, words)))
    return cli.DONE


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
