"""Networks as people have them today, as twins: transformers, U-Nets, blocks with attention to channels."""

from tests.pairs.pair import Pair

SIZE, HEADS = 16, 2


def turned(words, x):
    """The last two axes of (batch, places, channels) exchanged."""
    return x.permute(0, 2, 1) if words.is_torch else x.transpose([0, 2, 1])


def vision_transformer(words, *, ready=False, rate=0.0, swapped=False, scaled=True, eps=1e-6, last=False):
    """Patches of 4x4, a class token, two blocks that normalise first.

    ``ready``: the framework's own attention, which drops at ``rate``; else one projection for all.
    Faults: queries and keys ``swapped`` with values, not ``scaled``, the ``last`` token read for the first.
    """

    class Attention(words.base):
        def __init__(self):
            super().__init__()
            self.qkv = words.Linear(SIZE, 3 * SIZE)
            self.proj = words.Linear(SIZE, SIZE)

        def forward(self, x):
            batch, places, each = x.shape[0], x.shape[1], SIZE // HEADS
            parts = self.qkv(x).reshape([batch, places, 3, HEADS, each])
            q, k, v = (parts[:, :, place] for place in ((2, 1, 0) if swapped else (0, 1, 2)))
            heads = []
            for head in range(HEADS):
                scores = q[:, :, head] @ turned(words, k[:, :, head])
                scores = scores * each**-0.5 if scaled else scores
                heads.append(words.functional.softmax(scores, -1) @ v[:, :, head])
            return self.proj(words.joined(heads, -1))

    class Block(words.base):
        def __init__(self):
            super().__init__()
            self.norm1 = words.norm("LayerNorm", SIZE, eps=eps)
            self.attn = words.attention(SIZE, HEADS, rate) if ready else Attention()
            self.norm2 = words.norm("LayerNorm", SIZE, eps=eps)
            self.fc1, self.act, self.fc2 = words.Linear(SIZE, 32), words.gelu(), words.Linear(32, SIZE)

        def forward(self, x):
            y = self.norm1(x)
            y = self.attn(y, y, y) if ready else self.attn(y)
            x = x + (y[0] if isinstance(y, tuple) else y)
            return x + self.fc2(self.act(self.fc1(self.norm2(x))))

    class VisionTransformer(words.base):
        def __init__(self):
            super().__init__()
            self.patches = words.Conv2d(3, SIZE, 4, stride=4)
            self.token, self.positions = words.parameter(1, 1, SIZE), words.parameter(1, 10, SIZE)
            self.blocks = words.Sequential(Block(), Block())
            self.norm, self.head = words.norm("LayerNorm", SIZE, eps=eps), words.Linear(SIZE, 5)

        def forward(self, x):
            x = turned(words, self.patches(x).flatten(2))
            token = self.token.expand([x.shape[0], 1, SIZE])
            x = self.norm(self.blocks(words.joined([token, x], 1) + self.positions))
            return self.head(x[:, -1 if last else 0])

    return VisionTransformer()


def u_net(words, *, swapped=False, aligned=False):
    """Two levels down and up: a transposed convolution, then an interpolation, each beside what it skipped.

    Faults: the skipped channels ``swapped`` behind the others, corners ``aligned``.
    """

    class Twice(words.base):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.conv1 = words.Conv2d(inputs, outputs, 3, padding=1)
            self.norm1, self.act1 = words.GroupNorm(2, outputs), words.SiLU()
            self.conv2 = words.Conv2d(outputs, outputs, 3, padding=1)
            self.norm2, self.act2 = words.GroupNorm(2, outputs), words.SiLU()

        def forward(self, x):
            return self.act2(self.norm2(self.conv2(self.act1(self.norm1(self.conv1(x))))))

    class UNet(words.base):
        def __init__(self):
            super().__init__()
            self.down1, self.down2, self.middle = Twice(3, 4), Twice(4, 8), Twice(8, 16)
            self.pool = words.MaxPool2d(2)
            kind = "ConvTranspose2d" if words.is_torch else "Conv2DTranspose"
            self.wider = getattr(words.nn, kind)(16, 8, 2, stride=2)
            self.up2, self.up1 = Twice(16, 8), Twice(12, 4)
            self.head = words.Conv2d(4, 5, 1)

        def forward(self, x):
            first = self.down1(x)
            second = self.down2(self.pool(first))
            x = self.up2(self._beside(second, self.wider(self.middle(self.pool(second)))))
            size = [2 * side for side in x.shape[2:]]
            x = words.functional.interpolate(x, size=size, mode="bilinear", align_corners=aligned)
            return self.head(self.up1(self._beside(first, x)))

        def _beside(self, skipped, x):
            return words.joined([x, skipped] if swapped else [skipped, x], 1)

    return UNet()


def conv_next(words, *, eps=1e-6, tanh=False, order=(0, 3, 1, 2)):
    """A stem and two blocks: depthwise 7x7, normalised over channels, four times as wide, scaled, added.

    Faults: another epsilon, the approximate GELU, axes in another ``order`` behind a block.
    """

    def moved(x, axes):
        return x.permute(*axes) if words.is_torch else x.transpose([*axes])

    class Block(words.base):
        def __init__(self):
            super().__init__()
            self.depthwise = words.Conv2d(8, 8, 7, padding=3, groups=8)
            self.norm = words.norm("LayerNorm", 8, eps=eps)
            self.wide, self.act, self.narrow = words.Linear(8, 32), words.gelu(tanh=tanh), words.Linear(32, 8)
            self.scale = words.parameter(8)

        def forward(self, x):
            y = self.norm(moved(self.depthwise(x), (0, 2, 3, 1)))
            return x + moved(self.scale * self.narrow(self.act(self.wide(y))), order)

    class ConvNext(words.base):
        def __init__(self):
            super().__init__()
            self.stem, self.blocks = words.Conv2d(3, 8, 2, stride=2), words.Sequential(Block(), Block())
            self.norm, self.head = words.norm("LayerNorm", 8, eps=eps), words.Linear(8, 5)

        def forward(self, x):
            return self.head(self.norm(self.blocks(self.stem(x)).mean([2, 3])))

    return ConvNext()


def squeeze_excitation(words, *, hard=True, behind=False, largest=False):
    """A residual block whose channels are weighed by what is left of them after pooling.

    Faults: another sigmoid, weighed ``behind`` the addition, the ``largest`` of a channel for its mean.
    """

    class SqueezeExcitation(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 8, 3, padding=1, stride=2)
            self.norm, self.act = words.norm("BatchNorm2d", 8), words.Hardswish()
            self.inner = words.Conv2d(8, 8, 3, padding=1)
            self.reduce, self.relu, self.expand = words.Conv2d(8, 2, 1), words.ReLU(), words.Conv2d(2, 8, 1)
            self.head = words.Linear(8, 5)

        def forward(self, x):
            x = self.act(self.norm(self.conv(x)))
            y = self.inner(x)
            weight = self.expand(self.relu(self.reduce(self._pooled(y))))
            gate = words.functional.hardsigmoid(weight) if hard else words.functional.sigmoid(weight)
            y = (x + y) * gate if behind else x + y * gate
            return self.head(y.mean([2, 3]))

        def _pooled(self, x):
            if largest:
                return words.functional.adaptive_max_pool2d(x, 1)
            return words.functional.adaptive_avg_pool2d(x, 1)

    return SqueezeExcitation()


def lstm_head(words, *, rate=0.3, first=False, both_ways=True):
    """Convolutions whose rows a deep LSTM reads, with dropout between its layers.

    Faults: another ``rate``, the ``first`` step read for the last.
    """

    class LstmHead(words.base):
        def __init__(self):
            super().__init__()
            self.conv, self.relu = words.Conv2d(3, 4, 3, stride=2, padding=1), words.ReLU()
            self.rnn = words.recurrent("LSTM", 24, 6, layers=2, both_ways=both_ways, dropout=rate)
            self.head = words.Linear(12, 5)

        def forward(self, x):
            rows = self.relu(self.conv(x)).flatten(2)  # (batch, 4, 36)
            steps = turned(words, rows).reshape([-1, 6, 24])
            outputs, _ = self.rnn(steps)
            return self.head(outputs[:, 0 if first else -1])

    return LstmHead()


def _fault(network, layer, stage="forward", *, given=None, **arguments):
    return Pair(network=network, arguments=arguments, stage=stage, layers=(layer,), given=given or {})


WITH_DROPOUT = {"ready": True, "rate": 0.1}


def global_response(words, *, over_all=True):
    """ConvNeXt V2's normalisation, a layer of the user's own, by the norm of each channel's plane.

    Not ``over_all``: paddle's norm of 2 over two axes, which is its largest singular value.
    """

    class GlobalResponse(words.base):
        def __init__(self):
            super().__init__()
            self.gamma = words.parameter(1, 8, 1, 1)

        def forward(self, x):
            axes = {"dim": (2, 3)} if words.is_torch else {"axis": [2, 3]}
            power = "fro" if over_all and not words.is_torch else 2
            length = words.library.norm(x, p=power, keepdim=True, **axes)
            return (self.gamma + 1) * x * (length / (length.mean(1, keepdim=True) + 1e-6)) + x

    class Network(words.base):
        def __init__(self):
            super().__init__()
            self.conv, self.grn, self.fc = words.Conv2d(3, 8, 3), GlobalResponse(), words.Linear(8, 5)

        def forward(self, x):
            return self.fc(self.grn(self.conv(x)).mean((2, 3)))

    return Network()


INNOCENT = {
    "global_response": Pair(network=global_response),
    "vision_transformer": Pair(network=vision_transformer),
    "vision_transformer_ready_attention": Pair(network=vision_transformer, given=WITH_DROPOUT),
    "u_net": Pair(network=u_net),
    "u_net_aligned": Pair(network=u_net, given={"aligned": True}),
    "conv_next": Pair(network=conv_next),
    "squeeze_excitation": Pair(network=squeeze_excitation),
    "lstm_head_with_dropout": Pair(network=lstm_head),
}
ATTENTION = "between blocks.0.attn.qkv and blocks.0.attn.proj"
FAULTY = {
    "norm_of_a_matrix": Pair(
        network=global_response, arguments={"over_all": False}, stage="forward", layers=("grn",)
    ),
    "vision_transformer_values_for_queries": _fault(vision_transformer, ATTENTION, swapped=True),
    "vision_transformer_not_scaled": _fault(vision_transformer, ATTENTION, scaled=False),
    "vision_transformer_epsilon": _fault(vision_transformer, "blocks.0.norm1", eps=1e-5),
    "vision_transformer_last_token": _fault(vision_transformer, "between norm and head", last=True),
    "vision_transformer_dropout_inside": _fault(
        vision_transformer, "blocks.0.attn", "train-mode", given=WITH_DROPOUT, rate=0.2
    ),
    "u_net_skip_behind": _fault(u_net, "between wider and up2.conv1", swapped=True),
    "u_net_aligned_on_one_side": _fault(u_net, "between up2.act2 and up1.conv1", aligned=True),
    "conv_next_epsilon": _fault(conv_next, "blocks.0.norm", eps=1e-5),
    "conv_next_approximate": _fault(conv_next, "blocks.0.act", tanh=True),
    "conv_next_axes_exchanged": _fault(
        conv_next, "between blocks.0.narrow and blocks.1.depthwise", order=(0, 3, 2, 1)
    ),
    "squeeze_excitation_soft": _fault(squeeze_excitation, "between expand and head", hard=False),
    "squeeze_excitation_behind": _fault(squeeze_excitation, "between expand and head", behind=True),
    "squeeze_excitation_largest": _fault(squeeze_excitation, "between inner and reduce", largest=True),
    "lstm_head_rate": _fault(lstm_head, "rnn", "train-mode", rate=0.2),
    "lstm_head_first_step": _fault(lstm_head, "between rnn and head", first=True),
}
