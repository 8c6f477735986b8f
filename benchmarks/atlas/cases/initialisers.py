"""Initialisers and default initial values: distributions, for no seed gives both frameworks one stream."""

from benchmarks.atlas.cases.case import Line, family, layer, pair


def drawn(line: Line) -> Line:
    """A line that is compared by its distribution."""
    return {**line, "compared": "distribution", "timed": False, "edges": ()}


def fills(torch: str, paddle: str, shape: str = "200, 300") -> Line:
    """A line of an initialiser."""
    own = torch.replace("(", f"(torch.empty({shape}), ").replace(", )", ")")
    return drawn(pair(f"init.{own}", f"drawn(init.{paddle}, {shape})"))


def starts(spelling: str, what: str = "weight") -> Line:
    """A line of a layer's own initial values."""
    return drawn(layer(f"{spelling}.{what}"))


# fmt: off
CASES = family(
    "initialisers",
    fills("uniform_(-0.3, 0.7)", "Uniform(-0.3, 0.7)"),
    fills("normal_(0.1, 0.3)", "Normal(0.1, 0.3)"),
    fills("trunc_normal_()", "TruncatedNormal()"),
    fills("trunc_normal_(0.1, 0.3, -0.5, 0.7)", "TruncatedNormal(0.1, 0.3, -0.5, 0.7)"),
    fills("constant_(0.3)", "Constant(0.3)"),
    fills("xavier_uniform_()", "XavierUniform()"),
    fills("xavier_uniform_(0.5)", "XavierUniform(gain=0.5)"),
    fills("xavier_normal_()", "XavierNormal()"),
    fills("kaiming_uniform_()", "KaimingUniform()"),
    fills("kaiming_normal_()", "KaimingNormal()"),
    fills("kaiming_uniform_(nonlinearity='relu')", "KaimingUniform(nonlinearity='relu')"),
    fills("kaiming_normal_(a=0.3)", "KaimingNormal(negative_slope=0.3, nonlinearity='leaky_relu')"),
    fills("kaiming_normal_()", "KaimingNormal()", "60, 40, 3, 3"),
    fills("kaiming_uniform_()", "KaimingUniform()", "60, 40, 3, 3"),
    fills("xavier_uniform_()", "XavierUniform()", "60, 40, 3, 3"),
    fills("kaiming_normal_(mode='fan_out')", "KaimingNormal()", "60, 40, 3, 3"),
    fills("dirac_()", "Dirac()", "8, 8, 3, 3"),
    fills("orthogonal_()", "Orthogonal()"),
    starts("nn.Conv2d(64, 128, 3)"),
    starts("nn.Conv2d(64, 4096, 3)", "bias"),
    starts("nn.ConvTranspose2d(64, 128, 3)"),
    starts("nn.Conv1d(64, 512, 3)"),
    starts("nn.Conv3d(16, 64, 3)"),
    drawn(pair("nn.Linear(300, 400).weight", "nn.Linear(300, 400).weight.T")),
    starts("nn.Linear(64, 9000)", "bias"),
    starts("nn.Embedding(500, 100)"),
    starts("nn.BatchNorm2d(500)"),
    starts("nn.LayerNorm(500)"),
    drawn(pair("nn.PReLU(500).weight", "nn.PReLU(500)._weight")),
    drawn(pair("nn.LSTM(64, 128).weight_ih_l0", "nn.LSTM(64, 128).weight_ih_l0")),
    drawn(pair("nn.MultiheadAttention(128, 4).in_proj_weight[:128]", "nn.MultiHeadAttention(128, 4).q_proj.weight")),
    drawn(pair("torch.rand(200, 300)", "paddle.rand([200, 300])")),
    drawn(pair("torch.randn(200, 300)", "paddle.randn([200, 300])")),
    drawn(pair("torch.randint(0, 6, (200, 300))", "paddle.randint(0, 6, [200, 300])")),
    drawn(pair("torch.randperm(60000)", "paddle.randperm(60000)")),
    drawn(pair("torch.bernoulli(torch.full((200, 300), 0.3))", "paddle.bernoulli(paddle.full([200, 300], 0.3))")),
    drawn(pair("torch.multinomial(torch.tensor([0.1, 0.2, 0.7]), 60000, True)", "paddle.multinomial(paddle.to_tensor([0.1, 0.2, 0.7]), 60000, True)")),
    drawn(pair("torch.poisson(torch.full((200, 300), 3.0))", "paddle.poisson(paddle.full([200, 300], 3.0))")),
    drawn(pair("torch.normal(0.1, 0.3, (200, 300))", "paddle.normal(0.1, 0.3, [200, 300])")),
)
