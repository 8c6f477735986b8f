"""Do both frameworks compute the same? float64 decides, float32 is described.

    python -m benchmarks.parity --model lenet5
    python -m benchmarks.parity --torch mine:net --paddle mine:twin --input-shape 3,32,32 --num-classes 10
    python -m benchmarks.parity --pairs pairs.toml --images photos.txt --report page
    python -m benchmarks.parity --model lenet5 --backend paddle --against /elsewhere/bin/python

Both sides get equal weights and images. A tensor passes if the sides are at most 1e-12 of its length apart
(relative L2) in float64. A larger gap that comes from a constant which paddle keeps in float32 passes only if
torch, given the same rounded constant, agrees to 1e-12.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES, OPTIMIZERS
from benchmarks.ci.flags import add_ci_flags
from benchmarks.parity.against import add_version_flags, compare_versions
from benchmarks.parity.page_flags import add_page_flags, require_pairs
from benchmarks.parity.plan import CHOICES, INCOMPLETE, Plan, with_needed
from benchmarks.request.flags import add_json_flag, add_language_flag
from benchmarks.request.model_flags import add_input_flags, add_model_flags
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.own_pair import shipped_pair
from benchmarks.request.request import read_size
from benchmarks.request.sources import require_source
from common import cli
from common.cli import Group, UsageError
from common.files import require_writable
from common.flag_values import positive, words
from common.language import Language
from common.runtime.devices import require_device_name
from common.shipped import shipped_name
from common.weights.map_lines import read_map

if TYPE_CHECKING:
    from benchmarks.results.parity_schema import ParityPage

PROGRAM = "benchmarks.parity"
PICTURES = (".png", ".svg", ".pdf")
ROLES = {
    "loss": "(logits, labels) -> a number",
    "optimizer": "(model) -> an optimizer, or it and its schedule",
    "data": "() -> batches of (images, labels), NumPy",
    "metric": "(logits, labels) -> a number, or numbers by name",
}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    if options.against or options.backend:
        if options.language != "en":
            raise UsageError("--language: of two versions of one framework all is in English; leave it out")
        if options.json:
            require_writable(options.json)
        return compare_versions(options, program=PROGRAM)
    if options.pairs:
        return _compare_many(options)
    require_pairs(options)
    for path in (options.json, options.plot):
        if path:
            require_writable(path)
    if options.plot and options.plot.suffix.lower() not in PICTURES:
        raise UsageError(f"{options.plot}: end it in one of {', '.join(PICTURES)}")
    subject = _subject(options)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.ci import of_parity
    from benchmarks.ci.publishing import publish
    from benchmarks.parity import plot
    from benchmarks.parity.check import check
    from benchmarks.parity.text.divergence import failure
    from benchmarks.parity.text.report import report_text
    from benchmarks.results import result_file

    stages = with_needed(options.stages)
    how = {"strict": options.strict, "equal_nan": options.equal_nan}
    plan = Plan(stages=stages, steps=options.steps, optimizers=options.optimizer, **how)
    report = check(subject, plan, device=options.device, timeout=options.timeout)
    if options.json:
        result_file.write(report, options.json)
    if options.plot:
        plot.draw(report, options.plot)
    say = Language(options.language)
    print(report_text(report, subject, say=say))
    name = subject.model or " / ".join(subject.sources.values())
    found = of_parity.annotations(report, subject)
    publish(options, of_parity.summary(report, name=name), found, program=PROGRAM)
    if report["verdict"] == "pass":
        return cli.DONE
    cli.complain(PROGRAM, failure(report, say))
    codes = {"fail": cli.FAILED, INCOMPLETE: cli.UNAVAILABLE}
    return codes.get(report["verdict"], cli.WRONG_REQUEST)


def _compare_many(options: argparse.Namespace) -> int:
    if options.json:
        require_writable(options.json)
    from benchmarks.ci import of_parity
    from benchmarks.ci.publishing import publish
    from benchmarks.parity.variants.command import compare_pairs

    def published(page: "ParityPage", subjects: Mapping[str, ModelPair]) -> None:
        found = of_parity.page_annotations(page, subjects)
        publish(options, of_parity.page_summary(page), found, program=PROGRAM, folder=options.report)

    return compare_pairs(options, program=PROGRAM, publish=published)


def _require_whole(options: argparse.Namespace, sources: Mapping[str, str]) -> None:
    """Raise UsageError for flags that do not make one pair."""
    if len(sources) == 1:
        raise UsageError("--torch and --paddle go together: a pair has two sides")
    if sources and options.model:
        raise UsageError("--model cannot be combined with --torch and --paddle; leave one out")
    if not sources and not options.model:
        raise UsageError("give --model NAME, or --torch MODULE:CALLABLE and --paddle MODULE:CALLABLE")
    inputs = options.input or options.inputs
    if inputs and (not sources or options.input_shape):
        raise UsageError(
            "--input and --inputs stand in the place of --input-shape, with --torch and --paddle"
        )
    if sources and not ((options.input_shape or inputs) and options.num_classes):
        raise UsageError("a pair of your own needs --input-shape C,H,W (or --input) and --num-classes N")
    if options.map and not sources:
        raise UsageError("--map belongs to --torch and --paddle: our models' names are equal")


def _subject(options: argparse.Namespace) -> ModelPair:
    sources = {name: getattr(options, name) for name in NAMES if getattr(options, name)}
    _require_whole(options, sources)
    plugins = _plugins(options)
    for name in NAMES:
        for source in (sources.get(name), *plugins[name].values()):
            if source:
                require_source(source, backend=name, folder=Path.cwd())
    network = shipped_name(options.model)
    if network is not None:
        how = {"seed": options.seed, "batch_size": options.batch_size, "folder": str(Path.cwd())}
        return ModelPair(
            **shipped_pair(network, options), **how, plugins=plugins, output=options.output or ""
        )
    own_shape: Any = options.input_shape or (options.input[0].shape if options.input else ())
    num_classes, input_shape = (options.num_classes, own_shape) if sources else read_size(options)
    return ModelPair(
        model=options.model or "",
        num_classes=num_classes,
        input_shape=input_shape,
        seed=options.seed,
        batch_size=options.batch_size,
        sources=sources,
        plugins=plugins,
        names=read_map(options.map) or {},
        folder=str(Path.cwd()),
        inputs=tuple(options.input),
        inputs_source=options.inputs or "",
        output=options.output or "",
    )


def _plugins(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    plugins: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    for role in ROLES:
        given = {name: getattr(options, f"{name}_{role}") for name in NAMES}
        if all(given.values()):
            for name, source in given.items():
                plugins[name][role] = source
        elif any(given.values()):
            raise UsageError(f"--torch-{role} and --paddle-{role} go together")
    return plugins


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Compare what both frameworks compute.")
    add_model_flags(parser, own=False)
    add_json_flag(parser)
    add_language_flag(parser, of="of what is printed, and of the page")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the error by depth (.png, .svg, .pdf)"
    )
    _add_own_pair(parser.add_argument_group("a pair of your own"))
    add_page_flags(parser.add_argument_group("a page of many pairs"))
    add_version_flags(parser.add_argument_group("two versions of one framework"))
    _add_plan(parser.add_argument_group("what is compared"))
    add_ci_flags(parser)
    return parser.parse_args(arguments)


def _add_own_pair(group: Group) -> None:
    """Flags of the user's own models, their parts, inputs and outputs."""
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model from images to logits"
        group.add_argument(f"--{name}", metavar="M:C", help=text)
    for role, text in ROLES.items():
        for name in NAMES:
            group.add_argument(f"--{name}-{role}", metavar="M:C", help=text)
    group.add_argument(
        "--map",
        type=Path,
        metavar="FILE.json",
        help="torch's parameter or layer names to paddle's; it can stack, reshape and leave out",
    )
    add_input_flags(group)
    group.add_argument(
        "--inputs", metavar="M:C", help="() -> the models' inputs with their batch, NumPy arrays, in order"
    )


def _add_plan(group: Group) -> None:
    """Flags of the stages, their size, and what counts as a failure."""
    group.add_argument(
        "--stages",
        type=words(CHOICES),
        default=(),
        metavar="STAGE,STAGE",
        help=f"only these, and what they need (default: all of {','.join(CHOICES)})",
    )
    group.add_argument(
        "--batch-size", type=positive, default=2, metavar="N", help="images that both compute (default 2)"
    )
    group.add_argument(
        "--steps",
        type=positive,
        default=1,
        metavar="N",
        help="steps of training (default 1), and at least as many updates of each optimizer (at least 20, "
        "or 2 for large models)",
    )
    group.add_argument(
        "--optimizer",
        type=words(OPTIMIZERS),
        default=(),
        help=f"default: all of {','.join(OPTIMIZERS)}; for over a million parameters adam",
    )
    group.add_argument("--device", type=require_device_name, default="cpu", help="cpu (default) or gpu:N")
    strict = "known differences of the frameworks are failures, too"
    group.add_argument("--strict", action="store_true", help=strict)
    nan = "NaN and infinity at the same places of both sides agree"
    group.add_argument("--equal-nan", action="store_true", help=nan)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
