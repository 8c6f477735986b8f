"""Models by name."""

from .alexnet import AlexNet, AlexNet2012, AlexNetLRN, AlexNetWide
from .device import use
from .layers import cast
from .lenet5 import LeNet5

MODELS = {
    "alexnet": AlexNet,
    "alexnet_wide": AlexNetWide,
    "alexnet_lrn": AlexNetLRN,
    "alexnet_2012": AlexNet2012,
    "lenet5": LeNet5,
}


def build(name, *, num_classes, channels, precision, device, **options):
    use(device)
    return adopt(MODELS[name](num_classes, channels=channels, **options), precision=precision, device=device)


def adopt(model, *, precision, device):
    use(device)
    return cast(model, precision=precision, device=device)


def set_training(model, training):
    if training:
        model.train()
    else:
        model.eval()
