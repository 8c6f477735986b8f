"""Facts of the networks that torchvision and paddle.vision both ship, and which of them are not alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX = "torchvision:"  # how a request names one: torchvision:resnet18
CLASSES = 1000
BUILDERS = "backends.shipped"
MODULES = {"torch": "torchvision.models", "paddle": "paddle.vision.models"}


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One network.

    ``side`` is the smallest square image that works, ``usual`` the one that it was made for. Each side's
    builder has the network's name, unless ``builders`` has another one, and takes its ``arguments``.
    ``fails`` names the stage of parity in which the two are known to be different networks, ``at`` the first
    layer, ``because`` the reason.
    """

    parameters: int  # torchvision's, at 1000 classes
    side: int = 64
    usual: int = 224
    builders: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fails: str = ""
    at: str | None = None
    because: str = ""

    @property
    def verdict(self) -> str:
        """A few words on whether the two are one network."""
        return f"not the same network: {self.because}" if self.because else "the same network"


def _normalised(name: str) -> dict[str, Any]:
    return {"builders": {"paddle": name}, "arguments": {"paddle": {"batch_norm": True}}}


NETWORKS = {
    "resnet18": Shipped(parameters=11_689_512),
    "resnet34": Shipped(parameters=21_797_672),
    "resnet50": Shipped(parameters=25_557_032),
    "resnet101": Shipped(parameters=44_549_160),
    "resnet152": Shipped(parameters=60_192_808),
    "resnext50_32x4d": Shipped(parameters=25_028_904),
    "resnext101_64x4d": Shipped(parameters=83_455_272),
    "wide_resnet50_2": Shipped(parameters=68_883_240),
    "wide_resnet101_2": Shipped(parameters=126_886_696),
    "mobilenet_v2": Shipped(parameters=3_504_872),
    "mobilenet_v3_small": Shipped(parameters=2_542_856),
    "mobilenet_v3_large": Shipped(parameters=5_483_032),
    "vgg11": Shipped(parameters=132_863_336),
    "vgg11_bn": Shipped(parameters=132_868_840, **_normalised("vgg11")),
    "vgg13": Shipped(parameters=133_047_848),
    "vgg13_bn": Shipped(parameters=133_053_736, **_normalised("vgg13")),
    "vgg16": Shipped(parameters=138_357_544),
    "vgg16_bn": Shipped(parameters=138_365_992, **_normalised("vgg16")),
    "vgg19": Shipped(parameters=143_667_240),
    "vgg19_bn": Shipped(parameters=143_678_248, **_normalised("vgg19")),
    "densenet121": Shipped(parameters=7_978_856),
    "densenet161": Shipped(parameters=28_681_000),
    "densenet169": Shipped(parameters=14_149_480),
    "densenet201": Shipped(parameters=20_013_928),
    "shufflenet_v2_x0_5": Shipped(parameters=1_366_792),
    "shufflenet_v2_x1_0": Shipped(parameters=2_278_604),
    "shufflenet_v2_x1_5": Shipped(parameters=3_503_624),
    "shufflenet_v2_x2_0": Shipped(
        parameters=7_393_996,
        fails="parameters",
        at="stage2.0.branch1.2",
        because="stage 2 has 244 channels, as in the paper, against 224",
    ),
    "squeezenet1_0": Shipped(
        parameters=1_248_424,
        fails="forward",
        at="features.6",
        because="pools in ceil mode against floor mode, first at features.6",
    ),
    "squeezenet1_1": Shipped(
        parameters=1_235_496,
        side=67,
        fails="forward",
        at="features.0",
        because="features.0 without padding against padding 1; pools in ceil mode",
    ),
    "alexnet": Shipped(
        parameters=61_100_840,
        side=224,
        fails="forward",
        at="classifier.0",
        because="dropout scaled in training against downscale_in_infer",
    ),
    "googlenet": Shipped(
        parameters=6_624_904,
        fails="parameters",
        at="conv1.bn",
        because="batch normalisation and 3x3 against none and 5x5",
    ),
    "inception_v3": Shipped(
        parameters=23_834_568,  # without the auxiliary head
        side=75,
        usual=299,
        arguments={"torch": {"aux_logits": False, "init_weights": False}},
        fails="forward",
        at="Conv2d_1a_3x3.bn",
        because="batch normalisation's epsilon 1e-3 against 1e-5; dropout 0.5 against 0.2",
    ),
}


def shipped_name(model: str | None) -> str | None:
    """The network's name if a request names one of these, as in torchvision:resnet18; else None."""
    return model.removeprefix(PREFIX) if model and model.startswith(PREFIX) else None


def source(backend: str, name: str) -> str:
    """MODULE:CALLABLE of a side's builder."""
    return f"{BUILDERS}:{backend}.{name}"
