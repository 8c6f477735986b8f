"""Pairs about which parameter is which: kinds of layers, names, order, maps. Images of 3x12x12, 5 classes."""

from tests.pairs.pair import ON_TORCH, Pair, altered, hooked

BOTH = ("torch", "paddle")


def around(words, *, middle, linear="Linear", layers=None):
    """A convolution to 8x6x6, a layer in the middle that keeps that, and two linear layers."""

    class Around(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, stride=2, padding=1)
            self.tanh1 = words.Tanh()
            self.middle = middle(words)
            self.fc1 = own_linear(words, 8 * 36) if linear == "own matrix" else words.Linear(8 * 36, 16)
            self.tanh2 = words.Tanh()
            self.square = own_linear(words, 16) if linear == "own" else linear_of(words, linear)
            self.fc2 = words.Linear(16, 5)

        def forward(self, x):
            x = self.middle(self.tanh1(self.conv1(x)))
            return self.fc2(self.square(self.tanh2(self.fc1(x.flatten(1)))))

    return Around()


def linear_of(words, kind):
    """A square linear layer: the framework's, derived from it, or paddle's with torch's layout."""
    if kind == "compat" and not words.is_torch:
        import paddle

        return paddle.compat.nn.Linear(16, 16)
    if kind in ("normalised", "parametrized"):
        if kind == "parametrized" and words.is_torch:
            import torch

            return torch.nn.utils.parametrizations.weight_norm(words.Linear(16, 16))
        return words.nn.utils.weight_norm(words.Linear(16, 16), dim=0 if words.is_torch else 1)
    if kind == "derived":

        class Mine(words.Linear):
            pass

        class Later(Mine):
            def forward(self, x):
                return super().forward(x) * 1.0

        return Later(16, 16)
    return words.Linear(16, 16)


def own_linear(words, inputs):
    """A linear layer to 16 outputs, on paddle written by hand with its weight as (inputs, outputs)."""
    if words.is_torch:
        return words.Linear(inputs, 16)

    class OwnLinear(words.base):
        def __init__(self):
            super().__init__()
            self.weight = words.parameter(inputs, 16)
            self.bias = words.parameter(16)

        def forward(self, x):
            return x @ self.weight + self.bias

    return OwnLinear()


def transposed_convolution(axes):
    """A transposed convolution over so many axes, on the numbers of 8x6x6."""
    shape = {1: (8, 36), 2: (8, 6, 6), 3: (4, 2, 6, 6)}[axes]

    def make(words):
        class Transposed(words.base):
            def __init__(self):
                super().__init__()
                name = f"ConvTranspose{axes}d" if words.is_torch else f"Conv{axes}DTranspose"
                self.up = getattr(words.nn, name)(shape[0], shape[0], 3, padding=1)

            def forward(self, x):
                return self.up(x.reshape([-1, *shape])).reshape([-1, 8, 6, 6])

        return Transposed()

    return make


def attention(kind):
    """Self-attention with two heads over 36 places of 8 numbers.

    "packed" and "apart" are the framework's own, "compat" paddle's with torch's layout; "qkv" and "by hand"
    are written out, with one projection or with three.
    """

    def make(words):
        class Places(words.base):
            def __init__(self):
                super().__init__()
                make = written_out if kind in ("qkv", "by hand") else ready
                self.attention = make(words, kind)

            def forward(self, x):
                places = x.flatten(2)
                places = places.permute(0, 2, 1) if words.is_torch else places.transpose([0, 2, 1])
                result = self.attention(places, places, places)
                result = result[0] if isinstance(result, tuple) else result
                result = result.permute(0, 2, 1) if words.is_torch else result.transpose([0, 2, 1])
                return result.reshape([-1, 8, 6, 6])

        return Places()

    return make


def ready(words, kind):
    if words.is_torch:
        return words.nn.MultiheadAttention(8, 2, batch_first=True)
    if kind == "compat":
        import paddle

        return paddle.compat.nn.MultiheadAttention(8, 2, batch_first=True)
    return words.nn.MultiHeadAttention(8, 2)


def written_out(words, kind):
    class Attention(words.base):
        def __init__(self):
            super().__init__()
            if kind == "qkv":
                self.qkv = words.Linear(8, 24)
            else:
                self.q_proj, self.k_proj, self.v_proj = (words.Linear(8, 8) for _ in range(3))
            self.out_proj = words.Linear(8, 8)

        def forward(self, x, *_):
            if kind == "qkv":
                whole = self.qkv(x)
                parts = [whole[:, :, 8 * place : 8 * place + 8] for place in range(3)]
            else:
                parts = [self.q_proj(x), self.k_proj(x), self.v_proj(x)]
            heads = []
            for head in range(2):
                query, key, value = (part[:, :, 4 * head : 4 * head + 4] for part in parts)
                turned = key.permute(0, 2, 1) if words.is_torch else key.transpose([0, 2, 1])
                heads.append(words.functional.softmax((query * 0.5) @ turned, -1) @ value)
            import importlib

            framework = importlib.import_module(words.framework)
            join = framework.cat if words.is_torch else framework.concat
            return self.out_proj(join(heads, -1))

    return Attention()


def normalised(kind):
    """A normalisation: one framework's words and shapes for its weight are not the other's."""

    def make(words):
        if kind == "instance":
            more = {"affine": True} if words.is_torch else {}
            return words.InstanceNorm2d(8, **more)
        if kind == "several axes":
            return words.LayerNorm([8, 6, 6])
        if kind == "group":
            return words.GroupNorm(8, 8)
        return channel_norm(words)

    return make


def channel_norm(words):
    """Layer normalisation over channels: derived from torch's, on paddle by hand with words of its own."""
    if words.is_torch:

        class ChannelNorm(words.LayerNorm):
            def forward(self, x):
                return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

        return ChannelNorm(8)

    class OwnNorm(words.base):
        def __init__(self):
            super().__init__()
            self.gamma = words.parameter(8)
            self.beta = words.parameter(8)

        def forward(self, x):
            centred = x - x.mean(1, keepdim=True)
            deviation = ((centred * centred).mean(1, keepdim=True) + 1e-5) ** 0.5
            return (centred / deviation) * self.gamma.reshape([1, 8, 1, 1]) + self.beta.reshape([1, 8, 1, 1])

    return OwnNorm()


def pool(*, compat=False):
    """Average pooling, on paddle perhaps its layer with torch's arguments."""

    def make(words):
        if compat and not words.is_torch:
            import paddle

            return paddle.compat.nn.AvgPool2D(3, 1, padding=1)
        return words.average_pool(3, 1, padding=1)

    return make


def prelu(words):
    return words.PReLU(8)


def nothing(words):
    return words.Identity()


def headed(words, *, convolution=False, spare=False, uses_spare=False, deeper=False):
    """A linear layer or a convolution of one pixel at the end, and perhaps a head that nobody uses."""

    class Headed(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, stride=2, padding=1)
            self.tanh1 = words.Tanh()
            if spare:
                self.aux = words.Sequential(words.Conv2d(8, 5, 1), words.norm("GroupNorm", 1, 5))
            if deeper:
                self.conv2 = words.Conv2d(8, 8, 1)
            self.pool = words.MaxPool2d(6)
            self.head = words.Conv2d(8, 5, 1) if convolution else words.Linear(8, 5)

        def forward(self, x):
            x = self.tanh1(self.conv1(x))
            more = self.aux(x).mean((2, 3)) * 1e-6 if uses_spare else 0
            x = self.pool(self.conv2(x) if deeper else x)
            x = self.head(x).flatten(1) if convolution else self.head(x.flatten(1))
            return x + more

    return Headed()


def dense(words, *, style="torch", classes=5):
    """Two densely connected layers and a transition, named as torchvision or as paddle.vision names them."""
    first, second, out = {
        "torch": ("denselayer1", "denselayer2", "classifier"),
        "paddle": ("conv2_1", "conv2_2", "out"),
        "b before a": ("block_b", "block_a", "head"),
        "a before b": ("block_a", "block_b", "last"),
    }[style]

    class Layer(words.base):
        def __init__(self, inputs):
            super().__init__()
            for name, layer in (
                ("norm", words.norm("GroupNorm", 2, inputs)),
                ("conv", words.Conv2d(inputs, 4, 3, padding=1)),
            ):
                setattr(self, name if style == "torch" else f"_{name}_func", layer)

        def forward(self, x):
            names = ("norm", "conv") if style == "torch" else ("_norm_func", "_conv_func")
            return getattr(self, names[1])(words.functional.relu(getattr(self, names[0])(x)))

    class Dense(words.base):
        def __init__(self):
            super().__init__()
            self.stem = words.Conv2d(3, 4, 3, stride=2, padding=1)
            blocks = words.base()
            setattr(blocks, first, Layer(4))
            setattr(blocks, second, Layer(4))
            setattr(self, f"before_{out}", blocks)
            setattr(self, out, words.Linear(4 * 36, classes))

        def forward(self, x):
            x, blocks = self.stem(x), getattr(self, f"before_{out}")
            x = x + getattr(blocks, first)(x)
            x = x + getattr(blocks, second)(x)
            return getattr(self, out)(x.flatten(1))

    return Dense()


def wrapped(words, *, inside=False, reordered=False):
    """The same layers, or all of them inside a layer of another name and in another order."""

    class Body(words.base):
        def __init__(self):
            super().__init__()
            self.conv1 = words.Conv2d(3, 8, 3, stride=2, padding=1)
            if reordered:
                self.fc2, self.fc1 = words.Linear(16, 16), words.Linear(16, 16)
            else:
                self.fc1, self.fc2 = words.Linear(16, 16), words.Linear(16, 16)
            self.reduce, self.last = words.Linear(8 * 36, 16), words.Linear(16, 5)

        def forward(self, x):
            x = self.reduce(words.functional.relu(self.conv1(x)).flatten(1))
            return self.last(words.functional.relu(self.fc2(words.functional.relu(self.fc1(x)))))

    class Wrapped(words.base):
        def __init__(self):
            super().__init__()
            self.backbone = Body()

        def forward(self, x):
            return self.backbone(x)

    return Wrapped() if inside else Body()


def numbered(words, *, start=1, prefix="conv", swapped=False):
    """Three convolutions of equal shape with numbers in their names, from 0 or from 1."""
    names = [f"{prefix}{start + place}" for place in range(3)]

    class Numbered(words.base):
        def __init__(self):
            super().__init__()
            for name in reversed(names) if swapped else names:
                setattr(self, name, words.Conv2d(3, 3, 3, padding=1))
            self.out = words.Linear(3 * 144, 5)

        def forward(self, x):
            for name in names:
                x = words.functional.relu(getattr(self, name)(x))
            return self.out(x.flatten(1))

    return Numbered()


def pair(middle=nothing, theirs=None, **options):
    """Both sides with that in the middle, and paddle's with ``theirs`` instead."""
    more = {key: options.pop(key) for key in ("linear",) if key in options}
    arguments = {"middle": theirs or middle, **more}
    return Pair(
        network=lambda words, **changed: around(words, **{"middle": middle, **changed}),
        arguments=arguments,
        **options,
    )


QKV = {"middle.attention.qkv": [f"middle.attention.{part}_proj" for part in "qkv"]}
BACK = {",".join(QKV["middle.attention.qkv"]): "middle.attention.qkv"}
PACKED = {
    f"middle.attention.in_proj_{role}": [f"middle.attention.{part}_proj.{role}" for part in "qkv"]
    for role in ("weight", "bias")
}
CROSSED = {
    **PACKED,
    "middle.attention.in_proj_weight": [f"middle.attention.{part}_proj.weight" for part in "qvk"],
}
SPARE_ON_TORCH, SPARE_ON_PADDLE = {"aux": None}, {"null": ["aux"]}
TURNED = {"square.weight": {"name": "square.weight", "transpose": True}}
AS_A_MATRIX = {"head.weight": {"name": "head.weight", "reshape": [5, 8]}}

INNOCENT = {
    "kind_prelu": pair(prelu),
    "kind_instance_norm": pair(normalised("instance")),
    "kind_layer_norm_of_several_axes": pair(normalised("several axes")),
    "kind_own_norm": pair(normalised("own")),
    "kind_transposed_1d": pair(transposed_convolution(1)),
    "kind_transposed_2d": pair(transposed_convolution(2)),
    "kind_transposed_3d": pair(transposed_convolution(3)),
    "kind_compat_linear": pair(linear="compat"),
    "kind_compat_pool": pair(pool(), pool(compat=True)),
    "kind_own_square": pair(linear="own"),
    "kind_own_matrix": pair(linear="own matrix"),
    "kind_derived_linear": pair(linear="derived"),
    "kind_normalised_linear": pair(linear="normalised", on=BOTH),
    "kind_parametrized_linear": pair(linear="parametrized", on=BOTH),
    "kind_attention_packed": pair(attention("packed")),
    "kind_attention_compat": pair(attention("packed"), attention("compat")),
    "kind_attention_packed_on_paddle": pair(attention("by hand"), attention("compat")),
    "map_own_square_turned": pair(linear="own", names=TURNED),
    "map_attention": pair(attention("packed"), names=PACKED),
    "map_stack": pair(attention("qkv"), attention("by hand"), names=QKV),
    "map_stack_on_torch": pair(attention("by hand"), attention("qkv"), names=BACK),
    "map_reshape": Pair(network=headed, arguments={"convolution": True}, names=AS_A_MATRIX),
    "map_spare_on_torch": Pair(network=headed, on=ON_TORCH, arguments={"spare": True}, names=SPARE_ON_TORCH),
    "map_spare_on_paddle": Pair(network=headed, arguments={"spare": True}, names=SPARE_ON_PADDLE),
    "order_dense": Pair(network=dense, arguments={"style": "paddle"}),
    "names_inside_another": Pair(network=wrapped, arguments={"inside": True, "reordered": True}),
    "order_of_other_numbers": Pair(network=numbered, arguments={"prefix": "layer", "start": 0}),
}


def kernel_flipped(words, layer, x, y):
    weight = layer.weight.flip([2, 3])
    transposed = words.functional.conv_transpose2d if words.is_torch else words.functional.conv2d_transpose
    return transposed(x, weight, layer.bias, padding=1)


def turned(words, layer, x, y):
    return x @ layer.weight + layer.bias  # in torch's layout, that is the transposed


def reversed_square(words, layer, x, y):
    """The square weight of a layer by hand, from the other end."""
    return x @ layer.weight.flip([0]) + layer.bias


def in_middle(name, function):
    def change(model, words):
        altered(name, function)(model.middle, words)

    return change


def frozen(name):
    def change(model, words):
        parameter = dict(model.named_parameters())[name]
        parameter.stop_gradient = True

    return change


FAULTY = {
    "kind_compat_linear_turned": pair(
        linear="compat", change=altered("square", turned), stage="forward", layers=("square",)
    ),
    "kind_own_square_reversed": pair(
        linear="own", change=altered("square", reversed_square), stage="forward", layers=("square",)
    ),
    "kind_transposed_flipped": pair(
        transposed_convolution(2),
        change=in_middle("up", kernel_flipped),
        stage="forward",
        layers=("middle.up",),
    ),
    "kind_prelu_gradient": pair(
        prelu, change=hooked("middle._weight", 1.001), stage="gradients", layers=("middle",)
    ),
    "kind_instance_norm_frozen": pair(
        normalised("instance"), change=frozen("middle.scale"), stage="parameters", layers=("middle",)
    ),
    "kind_layer_norm_gradient": pair(
        normalised("several axes"),
        change=hooked("middle.bias", 1 + 1e-9),
        stage="gradients",
        layers=("middle",),
    ),
    "kind_other_norm": pair(normalised("group"), normalised("own"), stage="forward", layers=("middle",)),
    "kind_attention_gradient": pair(
        attention("packed"),
        change=hooked("middle.attention.v_proj.weight", 1 + 1e-8),
        stage="gradients",
        tensor="middle.attention.in_proj_weight",
    ),
    "kind_attention_frozen": pair(
        attention("packed"),
        change=frozen("middle.attention.k_proj.bias"),
        stage="parameters",
        tensor="middle.attention.in_proj_bias",
    ),
    "map_attention_crossed": pair(attention("packed"), names=CROSSED, stage="forward"),
    "map_turned_needlessly": pair(names=TURNED, stage="forward", layers=("square",)),
    "map_stack_too_short": pair(
        attention("qkv"),
        attention("by hand"),
        names={"middle.attention.qkv": QKV["middle.attention.qkv"][:2]},
        stage="parameters",
        layers=("middle.attention.qkv",),
    ),
    "map_reshape_to_another": Pair(
        network=headed,
        arguments={"convolution": True},
        names={"head.weight": {"name": "head.weight", "reshape": [8, 5]}},
        stage="cannot-compare",
        layers=("head",),
    ),
    "map_twice": Pair(
        network=headed,
        names={"conv1": "conv1", "conv1.bias": "conv1.bias"},
        stage="cannot-compare",
        layers=("conv1",),
    ),
    "map_spare_is_used": Pair(
        network=headed,
        arguments={"spare": True, "uses_spare": True},
        names=SPARE_ON_PADDLE,
        stage="forward",
        layers=("between head and output",),
    ),
    "map_spare_of_torch_is_used": Pair(
        network=headed,
        on=ON_TORCH,
        arguments={"spare": True, "uses_spare": True},
        names=SPARE_ON_TORCH,
        stage="forward",
        layers=("between head and output",),
    ),
    "map_stack_gradient": pair(
        attention("by hand"),
        attention("qkv"),
        names=BACK,
        change=hooked("middle.attention.qkv.bias", 1 + 1e-8),
        stage="gradients",
        tensor="middle.attention.v_proj.bias",
    ),
    "sizes_of_other_classes": Pair(
        network=dense, arguments={"style": "paddle", "classes": 6}, stage="parameters", layers=("classifier",)
    ),
    "sizes_of_another_layer": Pair(
        network=headed, arguments={"deeper": True}, stage="parameters", layers=("conv2",)
    ),
    "sizes_of_a_spare_head": Pair(
        network=headed, on=ON_TORCH, arguments={"spare": True}, stage="parameters", layers=("aux.0",)
    ),
    "order_against_names": Pair(
        network=lambda words, style="b before a": dense(words, style=style),
        arguments={"style": "a before b"},
        stage="cannot-compare",
        layers=("before_head.block_b._norm_func",),
    ),
    "order_against_numbers": Pair(
        network=numbered, arguments={"start": 0}, stage="cannot-compare", layers=("conv3",)
    ),
    "order_gradient": Pair(
        network=dense,
        arguments={"style": "paddle"},
        change=hooked("before_out.conv2_2._conv_func.weight", 1.0001),
        stage="gradients",
        layers=("before_classifier.denselayer2.conv",),
    ),
    "optimizer_stacked_rate": pair(
        attention("packed"), own=("optimizer",), stage="optimizer", layers=("middle.attention",)
    ),
}
