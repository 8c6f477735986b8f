"""The flags of backends.train, and the recipe that they ask for."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends import NAMES, OPTIMIZERS, PRECISIONS
from backends.launch import require_device
from common import model_cards
from common.cli import Parser, UsageError
from common.flag_values import natural, number, positive, shape
from common.model_cards import ACTIVATIONS, POOLS
from common.training.recipes import RECIPES, Recipe, find
from common.training.schedule import SCHEDULES
from common.weights import initialization

AMOUNT, RATE = number(float, least=0), number(float, above=0)
FRACTION = number(float, least=0, below=1)

# Flags that replace a value of the recipe: name, parser or choices, help. None: as the recipe says.
VALUES: tuple[tuple[str, Any, str], ...] = (
    ("epochs", positive, "passes over the training images"),
    ("batch_size", positive, "images of one step, of all processes together"),
    ("accumulate", positive, "steps whose gradients make one update"),
    ("optimizer", OPTIMIZERS, "how gradients become updates"),
    ("learning_rate", RATE, "learning rate of the first update after the warm-up"),
    ("momentum", FRACTION, "factor of the optimizer momentum"),
    ("weight_decay", AMOUNT, "an L2 penalty; decoupled for adamw"),
    ("schedule", SCHEDULES, "schedule of the learning rate"),
    ("warmup_epochs", AMOUNT, "epochs of linear warm-up"),
    ("period", natural, "epochs of a step or of half a cosine (0: the whole run)"),
    ("gamma", RATE, "factor of the schedule step"),
    ("precision", PRECISIONS, "of the arithmetic; bf16 and fp16 are mixed precision"),
    ("clip_norm", AMOUNT, "clip the global gradient norm to X (0: off)"),
    ("label_smoothing", FRACTION, "share of each target that is spread over all classes"),
    ("dropout", FRACTION, "probability of dropout (0: none)"),
    ("patience", natural, "stop after N epochs without improvement (0: never)"),
    ("limit", natural, "use so many training images, and of the other splits in proportion (0: all)"),
    (
        "valid_fraction",
        FRACTION,
        "fraction of each class held out for validation, if the data has no such split",
    ),
    (
        "test_fraction",
        FRACTION,
        "fraction of each class held out for the test, if the data has no such split",
    ),
    ("lighting", AMOUNT, "deviation of the 2012 paper's colour augmentation"),
    ("initial", initialization.NAMES, "initial values, drawn in NumPy"),
    (
        "head",
        ("replace", "append"),
        "last layer of --weights: replaced, or another one behind it (default: kept if the classes match)",
    ),
    ("body_learning_rate", RATE, "learning rate of all layers except the last"),
    ("seed", natural, "of order, augmentation, dropout and initial values"),
)
FIXED = ("activation", "pool")  # options of lenet5
CACHE_MIB = 1024
# What a run that is resumed may change; anything else would make it another run.
CHANGEABLE = frozenset({"epochs", "learning_rate", "schedule", "warmup_epochs", "period", "gamma"}) | {
    "patience",
    "body_learning_rate",
    "clip_norm",
}


def parse(program: str, arguments: list[str]) -> argparse.Namespace:
    """The parsed flags.

    Raises UsageError for what can be seen to be wrong without data.
    """
    parser = cli_parser(program)
    options = parser.parse_args(arguments)
    require_device(options.device)
    return options


def cli_parser(program: str) -> Parser:
    """All flags of backends.train."""
    parser = Parser(prog=program, description="Train a recipe on a backend; --resume goes on where it was.")
    parser.add_argument("--backend", required=True, choices=NAMES, help="the framework to use")
    parser.add_argument("--recipe", required=True, choices=tuple(RECIPES), help="what is trained, and how")
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="a list, a folder of lists, a tree, idx or CIFAR files"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR, if there is one")
    _add_own_flags(parser)
    _add_recipe_flags(parser)
    _add_weight_flags(parser)
    _add_machine_flags(parser)
    return parser


def _add_recipe_flags(parser: Parser) -> None:
    """Flags that replace values of the recipe."""
    group = parser.add_argument_group("instead of the recipe's values")
    group.add_argument("--published", action="store_true", help="the article's own hyper-parameters")
    group.add_argument("--model", choices=tuple(model_cards.MODELS), help="default: the recipe's")
    group.add_argument("--activation", choices=ACTIVATIONS, help="activation of lenet5")
    group.add_argument("--pool", choices=POOLS, help="pooling of lenet5")
    for name, kind, text in VALUES:
        flag = f"--{name.replace('_', '-')}"
        if isinstance(kind, tuple):
            group.add_argument(flag, choices=kind, help=text)
        else:
            metavar = "N" if kind in (positive, natural) else "X"
            group.add_argument(flag, type=kind, metavar=metavar, help=text)
    group.add_argument(
        "--shared-masks",
        action="store_true",
        help="draw dropout masks in NumPy, so that torch and paddle get the same",
    )


def _add_own_flags(parser: Parser) -> None:
    """Flags of a model of the user's own."""
    group = parser.add_argument_group("a model of your own, in the place of the recipe's")
    for name in NAMES:
        text = f"MODULE:CALLABLE in this folder: () -> a {name} model from images to the data's classes"
        group.add_argument(f"--{name}", metavar="M:C", help=text)
    group.add_argument(
        "--input-shape", type=shape, metavar="C,H,W", help="of its images (default: the recipe's)"
    )


def _add_weight_flags(parser: Parser) -> None:
    """Flags of the weights to begin with."""
    group = parser.add_argument_group("weights to begin with")
    group.add_argument("--weights", type=Path, metavar="FILE", help="a checkpoint of either framework")
    group.add_argument(
        "--map", type=Path, metavar="FILE.json", help="JSON object {model's name: name in --weights}"
    )
    group.add_argument("--freeze-features", action="store_true", help="train the last layer alone")


def _add_machine_flags(parser: Parser) -> None:
    """Flags of the machine, and of reading and saving."""
    group = parser.add_argument_group("how")
    group.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (default auto)")
    group.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="threads per process (default: all cores, shared by the processes of this machine)",
    )
    group.add_argument(
        "--workers",
        type=natural,
        metavar="N",
        help="threads per process that decode (default: all cores, shared by the processes of this machine)",
    )
    group.add_argument(
        "--cache",
        type=natural,
        default=CACHE_MIB,
        metavar="MIB",
        help="memory for decoded images (default 1024)",
    )
    group.add_argument("--strict", action="store_true", help="refuse an image that cannot be decoded")
    group.add_argument(
        "--save-every",
        type=natural,
        default=0,
        metavar="N",
        help="save after every N batches, too (default 0: after each epoch)",
    )


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """The recipe with everything that the flags replace."""
    recipe = find(options.recipe)
    if options.published:
        recipe = recipe.as_published()
    own = own_sources(options)
    recipe = _for_own(recipe, options) if own else recipe.for_model(options.model or recipe.model)
    lenet = {name: getattr(options, name) for name in FIXED if getattr(options, name) is not None}
    if own:
        _refuse_with_own(options)
    if lenet and recipe.model != "lenet5":
        raise UsageError(f"--{next(iter(lenet))} is an option of lenet5, not of {recipe.model}")
    recipe = recipe.changed(options={**recipe.options, **lenet}, **asked_for(options))
    if recipe.body_learning_rate is not None and recipe.freeze_features:
        raise UsageError("--body-learning-rate has no meaning with --freeze-features; leave one out")
    _refuse_without_effect(options, recipe)
    return recipe


def own_sources(options: argparse.Namespace) -> dict[str, dict[str, str]]:
    """The user's own callables by backend; empty for a model of ours. Raises UsageError for half of it."""
    own = {name: {"source": getattr(options, name)} for name in NAMES if getattr(options, name)}
    if own and options.backend not in own:
        name = options.backend
        raise UsageError(f"--{name} MODULE:CALLABLE is missing: this command computes with {name}")
    if options.input_shape is not None and not own:
        raise UsageError("--input-shape is for --torch and --paddle: our models have their own")
    return own


def _for_own(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe for a model of the user's own, with images as its flags say."""
    images = recipe.preparation
    if options.input_shape is not None:
        channels, height, width = options.input_shape
        if height != width and images.random_crop:
            raise UsageError(f"--input-shape: recipe {recipe.name} takes random squares; give equal sides")
        images = replace(images.resized(height), resize=(height, width))
        if channels != images.channels:
            mean, std = ((values[0],) * channels for values in (images.mean, images.std))
            images = replace(images, channels=channels, mean=mean, std=std)
    return replace(recipe, model=getattr(options, options.backend), options={}, preparation=images)


def _refuse_with_own(options: argparse.Namespace) -> None:
    """Raise UsageError for flags that say something of our models alone."""
    for name in ("model", "initial", "head", "map", "dropout", *FIXED):
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} is for our models; a model of your own brings its own, or take "
                f"--weights FILE"
            )


def _refuse_without_effect(options: argparse.Namespace, recipe: Recipe) -> None:
    """Raise UsageError for a flag that would change nothing."""
    loads = options.weights is not None or options.resume
    momentum, stepped = recipe.optimizer == "momentum", recipe.schedule != "constant"
    for flag, given, has_effect, needs in (
        ("--head", options.head, loads, "--weights FILE"),
        ("--map", options.map, loads, "--weights FILE"),
        ("--freeze-features", options.freeze_features, loads, "--weights FILE"),
        ("--momentum", options.momentum, momentum, "--optimizer momentum"),
        ("--period", options.period, stepped, "a --schedule that is not constant"),
        ("--gamma", options.gamma, stepped, "a --schedule that is not constant"),
        ("--dropout", options.dropout, recipe.model != "lenet5", "a model with dropout, which lenet5 lacks"),
    ):
        if given not in (None, False) and not has_effect:
            raise UsageError(f"{flag} changes nothing without {needs}; add that, or leave {flag} out")


def asked_for(options: argparse.Namespace) -> dict[str, Any]:
    """The recipe's values that were given as flags."""
    given = {name: getattr(options, name) for name, *_ in VALUES if getattr(options, name) is not None}
    return given | ({"freeze_features": True} if options.freeze_features else {})


def resumed_recipe(options: argparse.Namespace, before: Recipe) -> Recipe:
    """The recipe of a run to go on with.

    Raises UsageError for flags that would make it another run.
    """
    if options.recipe != before.name:
        raise UsageError(f"{options.output}: a run of recipe {before.name}, not {options.recipe}")
    if options.model not in (None, before.model):
        raise UsageError(f"{options.output}: a run of {before.model}, not {options.model}")
    lenet = {name: getattr(options, name) for name in FIXED if getattr(options, name) is not None}
    was = {**dict.fromkeys(FIXED), **before.options, **before.to_json(), **before.preparation.to_json()}
    for name, value in (lenet | asked_for(options)).items():
        if name not in CHANGEABLE and value != was[name]:
            raise UsageError(
                f"{options.output}: began with {name} {was[name]}, so --{name.replace('_', '-')} {value} "
                f"would be another run; leave the flag out, or name another --output"
            )
    return before.changed(**{k: v for k, v in asked_for(options).items() if k in CHANGEABLE})
