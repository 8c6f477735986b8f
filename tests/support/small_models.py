"""A small pair of networks with every layer type that the AlexNets have, for planting faults in."""

from types import SimpleNamespace


def small_network(framework, *, alpha=5e-4, dropout_mode=None):
    """A network of ``framework``; the arguments plant a difference."""
    if framework == "torch":
        from torch import nn

        convolution, pool, base, more = nn.Conv2d, nn.MaxPool2d, nn.Module, {}
    else:
        from paddle import nn

        convolution, pool, base = nn.Conv2D, nn.MaxPool2D, nn.Layer
        more = {"mode": dropout_mode} if dropout_mode else {}

    class Small(base):
        def __init__(self):
            super().__init__()
            self.conv1 = convolution(3, 8, kernel_size=3, padding=1)
            self.relu1 = nn.ReLU()
            self.norm1 = nn.LocalResponseNorm(5, alpha=alpha, beta=0.75, k=2.0)
            self.pool1 = pool(kernel_size=2, stride=2)
            self.dropout2 = nn.Dropout(0.5, **more)
            self.fc2 = nn.Linear(8 * 4 * 4, 16)
            self.fc3 = nn.Linear(16, 16)
            self.relu3 = nn.ReLU()
            self.fc4 = nn.Linear(16, 5)

        def forward(self, x):
            x = self.pool1(self.norm1(self.relu1(self.conv1(x))))
            x = self.fc3(self.fc2(self.dropout2(x.flatten(1))))
            return self.fc4(self.relu3(x))

    return Small()


def small_backend(framework, backend, **planted):
    """The backend, building the small network whatever model is asked for."""

    def build(name, *, num_classes, channels, precision, device, **options):
        model = small_network(framework, **planted)
        dtype = {"fp32": "float32", "fp64": "float64"}[precision]
        if framework == "torch":
            import torch

            return model.to(getattr(torch, dtype))
        return model.to(dtype=dtype)

    functions = {key: getattr(backend, key) for key in backend.__all__}
    functions["build"] = build
    return SimpleNamespace(**functions)
