"""The networks: images of 3x12x12 to 5 classes. ``edits`` are functions put in between layers, by place."""


def identity(x):
    return x


def small(words, **edits):
    """Response normalisation, grouped convolution, a side branch, dropout, a square linear layer."""

    def at(place, x):
        return edits.get(place, identity)(x)

    class Small(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, padding=1)
            self.relu1 = words.ReLU()
            self.norm1 = words.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
            self.pool1 = words.MaxPool2d(2, 2)
            self.conv2 = words.Conv2d(8, 8, 3, padding=1, groups=2)
            self.relu2 = words.ReLU()
            self.side = words.Conv2d(8, 8, 1)
            self.dropout = words.Dropout(0.5)
            self.fc1 = words.Linear(8 * 6 * 6, 16)
            self.relu3 = words.ReLU()
            self.fc2 = words.Linear(16, 16)
            self.fc3 = words.Linear(16, 5)

        def forward(self, x):
            x = self.pool1(self.norm1(self.relu1(self.conv1(at("input", x)))))
            x = at("pooled", x)
            x = self.relu2(self.conv2(x)) + at("side", self.side(at("to side", x)))
            x = self.dropout(at("flat", x.flatten(1)))
            x = self.fc2(at("hidden", self.relu3(self.fc1(x))))
            return at("logits", self.fc3(x))

    return Small()


def residual(words, *, eps=1e-5, momentum=0.1):
    """Two residual blocks with batch normalisation, the second with a shortcut of its own."""

    class Block(words.base):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1 = words.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
            self.bn1 = words.norm("BatchNorm2d", outputs, eps=eps, momentum=momentum)
            self.relu1 = words.ReLU()
            self.conv2 = words.Conv2d(outputs, outputs, 3, padding=1)
            self.bn2 = words.norm("BatchNorm2d", outputs)
            self.shortcut = words.Conv2d(inputs, outputs, 1, stride=stride)
            self.relu2 = words.ReLU()

        def forward(self, x):
            y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
            return self.relu2(y + self.shortcut(x))

    class Residual(words.base):
        def __init__(self):
            super().__init__()
            self.block1, self.block2 = Block(3, 8, 1), Block(8, 16, 2)
            self.pool = words.AdaptiveAvgPool2d(1)
            self.fc = words.Linear(16, 5)

        def forward(self, x):
            return self.fc(self.pool(self.block2(self.block1(x))).flatten(1))

    return Residual()


def depthwise(words, *, activation="Hardswish"):
    """Depthwise-separable convolutions with the activation that mobile networks take."""
    return words.Sequential(
        words.Conv2d(3, 8, 3, stride=2, padding=1),
        getattr(words, activation)(),
        words.Conv2d(8, 8, 3, padding=1, groups=8),
        getattr(words, activation)(),
        words.Conv2d(8, 16, 1),
        getattr(words, activation)(),
        words.AdaptiveAvgPool2d(2),
        words.Flatten(),
        words.Linear(64, 5),
    )


def grouped(words):
    """Grouped convolutions between group normalisations."""
    return words.Sequential(
        words.Conv2d(3, 12, 3, padding=1),
        words.norm("GroupNorm", 3, 12),
        words.ReLU(),
        words.Conv2d(12, 12, 3, stride=2, padding=1, groups=4),
        words.norm("GroupNorm", 3, 12),
        words.ReLU(),
        words.Flatten(),
        words.Linear(12 * 36, 5),
    )


def averaged(words, *, padding_counts=True):
    """Average pooling with padding, twice."""

    class Averaged(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, padding=1)
            self.act1 = words.Tanh()
            self.pool1 = words.average_pool(3, 2, padding=1, padding_counts=padding_counts)
            self.conv2 = words.Conv2d(8, 8, 3, padding=1)
            self.act2 = words.Sigmoid()
            self.pool2 = words.average_pool(3, 2, padding=1, padding_counts=True)
            self.fc = words.Linear(8 * 9, 5)

        def forward(self, x):
            x = self.pool1(self.act1(self.conv1(x)))
            return self.fc(self.pool2(self.act2(self.conv2(x))).flatten(1))

    return Averaged()


def activated(words, *, tanh=False, slope=0.01, eps=1e-5):
    """One activation after the other, with layer and instance normalisation."""

    class Activated(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, stride=2, padding=1)
            self.norm1 = words.norm("InstanceNorm2d", 8)
            self.gelu = words.gelu(tanh=tanh)
            self.conv2 = words.Conv2d(8, 8, 3, padding=1)
            self.silu = words.SiLU()
            self.conv3 = words.Conv2d(8, 8, 1)
            self.hardswish = words.Hardswish()
            self.conv4 = words.Conv2d(8, 8, 1)
            self.leaky = words.LeakyReLU(slope)
            self.norm2 = words.norm("LayerNorm", 8 * 36, eps=eps)
            self.fc = words.Linear(8 * 36, 5)

        def forward(self, x):
            x = self.silu(self.conv2(self.gelu(self.norm1(self.conv1(x)))))
            x = self.leaky(self.conv4(self.hardswish(self.conv3(x))))
            return self.fc(self.norm2(x.flatten(1)))

    return Activated()


def squeezed(words):
    """A gate of Hardsigmoid, whose slope paddle rounds."""
    return words.Sequential(
        words.Conv2d(3, 8, 3, stride=2, padding=1),
        words.ReLU6(),
        words.Conv2d(8, 8, 1),
        words.Hardsigmoid(),
        words.Flatten(),
        words.Linear(8 * 36, 5),
    )


def twice(words, *, times=2):
    """One convolution that is used twice."""

    class Twice(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 3, 3, padding=1)
            self.relu = words.ReLU()
            self.fc = words.Linear(3 * 144, 5)

        def forward(self, x):
            for _ in range(times):
                x = self.relu(self.conv(x))
            return self.fc(x.flatten(1))

    return Twice()


def plain(words, *, pool_first=False, functional=False, in_place=False, more_layers=False, reordered=False):
    """Convolution, ReLU, pool, linear: written in several ways that compute the same."""

    class Plain(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, padding=1)
            if not functional:
                self.relu1 = words.nn.ReLU(inplace=True) if in_place else words.ReLU()
            if reordered:
                self.fc2, self.fc1 = words.Linear(16, 5), words.Linear(8 * 36, 16)
            else:
                self.fc1, self.fc2 = words.Linear(8 * 36, 16), words.Linear(16, 5)
            self.pool1 = words.MaxPool2d(2, 2)
            self.flatten = words.Flatten() if more_layers else lambda x: x.flatten(1)
            self.nothing = words.Identity() if more_layers else identity

        def forward(self, x):
            relu = words.functional.relu if functional else self.relu1
            x = self.conv1(x)
            x = relu(self.pool1(x)) if pool_first else self.pool1(relu(x))
            return self.fc2(self.nothing(self.fc1(self.flatten(x))))

    return Plain()


def renamed(words, *, other_names=False):
    """The same layers under other names, some of them nested."""

    class Renamed(words.base):
        def __init__(self):
            super().__init__()
            layers = [
                words.Conv2d(3, 8, 3, padding=1),
                words.Tanh(),
                words.MaxPool2d(2, 2),
                words.Conv2d(8, 8, 3, padding=1),
                words.ReLU(),
            ]
            head = words.Linear(8 * 36, 5)
            if other_names:
                self.stem, self.body = words.Sequential(*layers[:3]), words.Sequential(*layers[3:])
                self.head = head
            else:
                self.features, self.classifier = words.Sequential(*layers), words.Sequential(head)

        def forward(self, x):
            if other_names:
                return self.head(self.body(self.stem(x)).flatten(1))
            return self.classifier(self.features(x).flatten(1))

    return Renamed()


def padded(words, *, apart=False):
    """A convolution that pads, or a layer of its own that does it."""

    class Padded(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, padding=1)
            self.relu1 = words.ReLU()
            if apart:
                self.pad = words.ZeroPad2d(2)
            self.conv2 = words.Conv2d(8, 4, 5, padding=0 if apart else 2)
            self.fc = words.Linear(4 * 144, 5)

        def forward(self, x):
            x = self.relu1(self.conv1(x))
            return self.fc(self.conv2(self.pad(x) if apart else x).flatten(1))

    return Padded()


def averaging(words, *, functional=False):
    """A global average, as a layer or as a mean over two axes."""

    class Averaging(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3)
            self.norm1 = words.norm("GroupNorm", 2, 8)
            self.act1 = words.Sigmoid()
            if not functional:
                self.pool = words.AdaptiveAvgPool2d(1)
            self.fc = words.Linear(8, 5)

        def forward(self, x):
            x = self.act1(self.norm1(self.conv1(x)))
            return self.fc(x.mean((2, 3)) if functional else self.pool(x).flatten(1))

    return Averaging()


def dropped(words, *, flattened=True):
    """Dropout behind a flattening, or in front of it."""

    class Dropped(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, stride=2)
            self.act1 = words.Tanh()
            self.drop1 = words.Dropout(0.2)
            self.fc = words.Linear(8 * 25, 5)

        def forward(self, x):
            x = self.act1(self.conv1(x))
            return self.fc(self.drop1(x.flatten(1)) if flattened else self.drop1(x).flatten(1))

    return Dropped()


def near_tie(words, *, padded=False, apart=False, by_function=False):
    """A convolution whose first two channels weigh alike, and a pool: see the data of that name.

    The pool pads, or a layer of its own before it does, or it is a function, whose decisions nobody sees.
    """

    class NearTie(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 2, 1)
            if apart:
                self.pad = words.ZeroPad2d(1)
            if not by_function:
                self.pool1 = words.MaxPool2d(2, 2, padding=1 if padded and not apart else 0)
            if padded:
                self.relu1 = words.ReLU()
            self.fc = words.Linear(2 * (49 if padded else 36), 5)

        def forward(self, x):
            x = self.conv1(x)
            if by_function:
                return self.fc(words.functional.max_pool2d(x, 2, 2).flatten(1))
            x = self.pool1(self.pad(x) if apart else x)
            return self.fc((self.relu1(x) if padded else x).flatten(1))

    model = NearTie()
    if words.is_torch:
        weight = model.conv1.weight.data
        weight[:, :2] = 1.0
        weight[:, 2] = 0.5
        model.conv1.bias.data = weight[:, 0, 0, 0] * 0.25
    return model


def padded_near_tie(words, *, apart=False):
    return near_tie(words, padded=True, apart=apart)


def recurrent(words, *, kind="LSTM", layers=1, both_ways=False, by_hand=None):
    """The image's rows one after the other; outputs and the last state are read."""

    class Recurrent(words.base):
        def __init__(self):
            super().__init__()
            self.rnn = words.recurrent(kind, 36, 8, layers=layers, both_ways=both_ways)
            if by_hand:
                self.rnn.forward = lambda x: by_hand(words, self.rnn, x)
            self.fc = words.Linear(16 if both_ways else 8, 5)

        def forward(self, x):
            y, state = self.rnn(x.reshape([x.shape[0], 12, 36]))
            last = state[0] if isinstance(state, (list, tuple)) else state
            return self.fc(y.mean(1) + last[-1].mean())

    return Recurrent()


def gru_by_hand(words, layer, x, *, order=(0, 1, 2)):
    """A GRU written out: reset, update and new gate, in the order in which they lie in the weights."""
    hidden, outputs, size = words.like(x[:, 0, :8] * 0, x), [], 8
    for step in range(x.shape[1]):
        inner = words.functional.linear(x[:, step], words.turned(layer.weight_ih_l0), layer.bias_ih_l0)
        outer = words.functional.linear(hidden, words.turned(layer.weight_hh_l0), layer.bias_hh_l0)
        gates = [(inner[:, k * size : (k + 1) * size], outer[:, k * size : (k + 1) * size]) for k in order]
        reset, update = (words.functional.sigmoid(a + b) for a, b in gates[:2])
        new = words.functional.tanh(gates[2][0] + reset * gates[2][1])
        hidden = (1 - update) * new + update * hidden
        outputs.append(hidden)
    return words.stacked(outputs, 1), words.stacked([hidden], 0)


def reweighted(words, *, how, parametrized=False, rounded=False, **options):
    """A convolution and linear layers, one square, whose weights are computed from others.

    ``rounded``: behind an ELU whose alpha paddle keeps in float32.
    """

    class Reweighted(words.base):
        def __init__(self):
            super().__init__()
            self.first = words.ELU(0.3) if rounded else words.Identity()
            self.conv1 = words.reweighted(words.Conv2d(3, 8, 3, stride=2), how, parametrized, **options)
            self.relu1 = words.ReLU()
            self.fc1 = words.reweighted(words.Linear(200, 8), how, parametrized, **options)
            self.fc2 = words.reweighted(words.Linear(8, 8), how, parametrized, **options)
            self.fc3 = words.Linear(8, 5)

        def forward(self, x):
            return self.fc3(self.fc2(self.fc1(self.relu1(self.conv1(self.first(x))).flatten(1))))

    return Reweighted()
