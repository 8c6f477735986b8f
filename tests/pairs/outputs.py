"""Networks with several outputs or inputs, with numbers that are none, with exceptions and statistics."""

from tests.pairs.pair import BOTH, ON_TORCH, Pair, replaced


def two_headed(words, *, kind="dict", scale=1.0, cut=False, swapped=False, limit=1.3, lacking=False):
    """Logits, an auxiliary head and a mask, as a dictionary, a tuple, or nested."""

    class TwoHeaded(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 6, 3, padding=1)
            self.relu = words.ReLU()
            self.head, self.aux = words.Linear(6, 5), words.Linear(6, 5)

        def forward(self, x):
            hidden = self.relu(self.conv(x)).flatten(2).amax(2)
            aux = self.aux(words.detached(hidden) if cut else hidden) * scale
            logits, mask = self.head(hidden), hidden > limit
            if swapped:
                logits, aux = aux, logits
            if lacking:
                return {"logits": logits, "mask": mask}
            if kind == "tuple":
                return logits, aux
            if kind == "nested":
                return [logits, {"aux": [aux, mask], "none": None}]
            return {"logits": logits, "aux": aux, "mask": mask}

    return TwoHeaded()


def two_inputs(words, *, turned=False, exchanged=False, padding=None):
    """Words and numbers into one classifier."""

    class TwoInputs(words.base):
        def __init__(self):
            super().__init__()
            self.words = words.Embedding(20, 6, padding_idx=padding)
            self.numbers = words.Linear(6, 6)
            self.fc = words.Linear(12, 5)

        def forward(self, tokens, numbers):
            found = self.words(tokens.flip(1) if turned else tokens)
            first = (found * words.like(rising(words, found), found)).sum(1)
            second = self.numbers(numbers)
            pair = [second, first] if exchanged else [first, second]
            return self.fc(words.joined(pair, 1))

    return TwoInputs()


def fresh(words, *, scale=0.5):
    """A cell that makes its own first state, and numbers made without naming a dtype."""
    library = words.library

    class Fresh(words.base):
        def __init__(self):
            super().__init__()
            self.conv, self.cell, self.fc = words.Conv2d(3, 6, 3), words.GRUCell(6, 6), words.Linear(6, 5)

        def forward(self, x):
            x = self.conv(x).mean((2, 3))
            state = self.cell(x)
            state = state if words.is_torch else state[0]
            return self.fc(state + library.zeros([4, 6]) + library.ones([6]) * scale)

    return Fresh()


def rising(words, x):
    """1, 2, 3 ... along the second axis, so that an order shows."""
    return words.numbers(range(1, x.shape[1] + 1)).reshape([1, -1, 1])


def dense(words, *, shifted=False):
    """A small U-shaped network: a class for every pixel."""

    class Dense(words.base):
        def __init__(self):
            super().__init__()
            self.down = words.Conv2d(3, 6, 3, stride=2, padding=1)
            self.act = words.ReLU()
            self.up = words.Upsample(scale_factor=2)
            self.last = words.Conv2d(9, 5, 1)

        def forward(self, x):
            back = self.up(self.act(self.down(x)))
            return self.last(words.joined([back.flip(3) if shifted else back, x], 1))

    return Dense()


def with_numbers(words, *, where="", both=False):
    """One that can put NaN or infinity into its logits, its auxiliary output, a gradient, or a lost layer."""

    class WithNumbers(words.base):
        def __init__(self):
            super().__init__()
            self.body = words.Conv2d(3, 4, 3)
            self.fc, self.aux = words.Linear(4, 5), words.Linear(4, 5)
            self.unseen = words.Sigmoid()

        def forward(self, x):
            hidden = words.detached(self.body(x)) * 0 + self.body(x)
            hidden = hidden.flatten(2).mean(2)
            logits, aux = self.fc(hidden), self.aux(hidden)
            self.unseen(logits + words.constant(logits, "nan" if where == "unseen" else "0", rows=1))
            if where == "logits":
                logits = logits + words.constant(logits, "nan", rows=1)
            if where == "infinite":
                logits = logits + words.constant(logits, "inf", rows=1)
            if where == "aux":
                aux = aux + words.constant(aux, "nan", rows=2)
            if where == "gradient":
                logits = logits + ((hidden - words.detached(hidden)) ** 2).sum(1, keepdim=True) ** 0.5
            return logits, aux

    return WithNumbers()


def refusing(words, *, where=""):
    """One that raises in forward or in training alone."""

    class Refusing(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 4, 3)
            self.fc = words.Linear(4, 5)

        def forward(self, x):
            hidden = self.conv(x).flatten(2).sum(2)
            if where == "forward":
                hidden = hidden.reshape([7, -1])
            if where == "training" and self.training:
                raise ValueError("no training today")
            return self.fc(hidden)

    return Refusing()


def normalised(words, *, momentum=0.1, twice=False, one=False):
    """Batch normalisation in training: of images or of vectors, once or twice in a pass."""

    class Normalised(words.base):
        def __init__(self):
            super().__init__()
            self.conv = words.Conv2d(3, 6, 3, padding=1)
            self.bn = words.norm("BatchNorm2d", 6, momentum=momentum)
            self.vector = words.norm("BatchNorm1d", 6, momentum=momentum)
            self.fc = words.Linear(6, 5)

        def forward(self, x):
            x = self.bn(self.conv(x))
            x = self.bn(x * 2 + 1) if twice else x
            x = x.flatten(2).sum(2)
            return self.fc(self.vector(x) if one else x)

    return Normalised()


TOKENS = ("tokens=4:int64<20", "numbers=6")
NAN = {"output": "0", "network": "with_numbers"}

FAULTS = {
    "default_dtype_and_another_number": Pair(
        network="fresh", arguments={"scale": 0.5 + 1e-9}, stage="forward", layers=("between cell and fc",)
    ),
    "aux_scaled": Pair(
        network="two_headed",
        arguments={"scale": 1.000001},
        output="logits",
        stage="forward",
        tensor="output aux",
    ),
    "aux_cut": Pair(network="two_headed", arguments={"cut": True}, output="logits", stage="gradients"),
    "outputs_swapped": Pair(
        network="two_headed", arguments={"swapped": True}, output="logits", stage="forward"
    ),
    "mask_limit": Pair(
        network="two_headed",
        arguments={"limit": 0.1},
        output="logits",
        stage="forward",
        tensor="output mask",
    ),
    "aux_lacking": Pair(
        network="two_headed",
        arguments={"lacking": True},
        output="logits",
        stage="forward",
        tensor="output aux",
    ),
    "tuple_second_scaled": Pair(
        network="two_headed",
        arguments={"scale": 0.999999},
        given={"kind": "tuple"},
        stage="forward",
        tensor="output 1",
    ),
    "nested_scaled": Pair(
        network="two_headed",
        arguments={"scale": 1.000001},
        given={"kind": "nested"},
        stage="forward",
        tensor="output 1.aux.0",
    ),
    "tokens_turned": Pair(network="two_inputs", arguments={"turned": True}, inputs=TOKENS, stage="forward"),
    "inputs_exchanged": Pair(
        network="two_inputs", arguments={"exchanged": True}, inputs=TOKENS, stage="forward"
    ),
    "padding_word": Pair(
        network="two_inputs", arguments={"padding": 3}, inputs=TOKENS, stage="forward", layers=("words",)
    ),
    "dense_turned": Pair(network="dense", arguments={"shifted": True}, stage="forward"),
    "nan_in_torchs_logits": Pair(**NAN, on=ON_TORCH, arguments={"where": "logits"}, stage="forward"),
    "nan_in_paddles_logits": Pair(**NAN, arguments={"where": "logits"}, stage="forward"),
    "nan_in_both": Pair(**NAN, on=BOTH, arguments={"where": "logits"}, stage="forward"),
    "infinity_in_torchs_logits": Pair(**NAN, on=ON_TORCH, arguments={"where": "infinite"}, stage="forward"),
    "infinity_in_paddles_logits": Pair(**NAN, arguments={"where": "infinite"}, stage="forward"),
    "nan_in_torchs_second_output": Pair(
        **NAN, on=ON_TORCH, arguments={"where": "aux"}, stage="forward", tensor="output 1"
    ),
    "nan_in_torchs_unseen_layer": Pair(
        **NAN, on=ON_TORCH, arguments={"where": "unseen"}, stage="forward", layers=("unseen",)
    ),
    "nan_in_paddles_unseen_layer": Pair(
        **NAN, arguments={"where": "unseen"}, stage="forward", layers=("unseen",)
    ),
    "nan_in_torchs_gradient": Pair(**NAN, on=ON_TORCH, arguments={"where": "gradient"}, stage="gradients"),
    "nan_in_paddles_gradient": Pair(**NAN, arguments={"where": "gradient"}, stage="gradients"),
    "raises_on_paddle": Pair(network="refusing", arguments={"where": "forward"}, stage="forward"),
    "raises_on_torch": Pair(network="refusing", on=ON_TORCH, arguments={"where": "forward"}, stage="forward"),
    "raises_in_training": Pair(network="refusing", arguments={"where": "training"}, stage="train-mode"),
    "statistics_momentum": Pair(
        network="normalised", arguments={"momentum": 0.2}, stage="train-mode", layers=("bn",)
    ),
    "statistics_momentum_of_vectors": Pair(
        network="normalised", given={"one": True}, arguments={"momentum": 0.11}, stage="train-mode"
    ),
    "statistics_once": Pair(network="normalised", given={}, arguments={"twice": True}, stage="forward"),
    "metric_ties": Pair(own=("metric",), stage="metrics"),
}

INNOCENTS = {
    "outputs_by_key": Pair(network="two_headed", output="logits"),
    "outputs_in_a_tuple": Pair(network="two_headed", given={"kind": "tuple"}),
    "outputs_nested": Pair(network="two_headed", given={"kind": "nested"}),
    "second_output_chosen": Pair(network="two_headed", given={"kind": "tuple"}, output="1"),
    "words_and_numbers": Pair(network="two_inputs", inputs=TOKENS),
    "a_class_for_every_pixel": Pair(network="dense"),
    "state_of_the_default_dtype": Pair(network="fresh"),
    "running_variance": Pair(network="normalised"),
    "running_variance_of_vectors": Pair(network="normalised", given={"one": True}),
    "running_variance_of_two_calls": Pair(network="normalised", given={"twice": True}),
    "running_variance_other_momentum": Pair(network="normalised", given={"momentum": 0.3}),
    "running_variance_synchronised": Pair(
        network="depthwise", on=BOTH, change=replaced("1", lambda w: w.norm("SyncBatchNorm", 8))
    ),
    "finite_numbers": Pair(network="with_numbers"),
}
