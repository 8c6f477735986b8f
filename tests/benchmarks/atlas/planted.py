"""A planted difference in each family: a case of the catalogue with another operation on paddle's side."""

PLANTED = {
    "convolutions": (
        "nn.Conv2d(C, 6, 3, stride=2)",
        "nn.Conv2D(C, 6, 3, stride=2, padding=[[0, 0], [0, 0], [1, 0], [0, 0]])",
    ),
    "pools": ("nn.AvgPool2d(3, 2)", "nn.AvgPool2D(3, 2, divisor_override=9.0001)"),
    "normalisation": ("nn.GroupNorm(2, C)", "nn.GroupNorm(2, C, epsilon=1.1e-5)"),
    "activations": ("F.gelu(x)", "F.gelu(x, approximate=True)"),
    "dropouts": ("F.dropout(x, 0.3)", "F.dropout(x, 0.32)"),
    "interpolation": (
        "F.interpolate(x, size=[14, 14], mode='bilinear')",
        "F.interpolate(x, [14, 14], mode='bilinear', align_mode=1)",
    ),
    "padding": ("F.pad(x, (1, 2, 3, 4), mode='reflect')", "F.pad(x, (1, 2, 3, 4), mode='replicate')"),
    "attention": ("nn.GRU(C, 3, batch_first=True)", "nn.GRU(C, 3, time_major=True)"),
    "elementwise": ("x ** 3", "x ** 3 * 1.000000001"),
    "reductions": ("torch.var(x, 1)", "paddle.var(x, 1, unbiased=False)"),
    "indexing": ("torch.roll(x, 2, 1)", "paddle.roll(x, -1, 1)"),
    "algebra": ("torch.bmm(x, y)", "paddle.bmm(x, y) * (1 + 1e-9)"),
    "losses": ("nn.MSELoss()", "nn.MSELoss('sum')"),
    "optimizers": (
        "updates(lambda p: optim.Adam(p, 0.01), w)",
        "updates(lambda p: optim.Adam(0.01, epsilon=1e-7, parameters=p), w)",
    ),
    "schedules": ("rates(lambda o: schedules.StepLR(o, 3))", "rates(schedules.StepDecay(0.1, 4))"),
    "initialisers": (
        "init.xavier_uniform_(torch.empty(200, 300))",
        "drawn(init.XavierUniform(gain=1.03), 200, 300)",
    ),
    "transforms": ("T.Resize((20, 30))(x)", "T.Resize((20, 30), 'bicubic')(x)"),
    "metrics": (
        "(x.topk(2, 1).indices == t).any(1).double().mean()",
        "paddle.metric.accuracy(x.astype('float32'), t, k=1)",
    ),
}

# Equal values as often, and nevertheless another distribution: (family, torch of a case, torch, paddle).
ALSO_PLANTED = (
    ("dropouts", "nn.Dropout2d(0.2)", "nn.Dropout2d(0.5)", "nn.Dropout(0.5)"),
    ("initialisers", "torch.rand(200, 300)", "torch.rand(200, 300)", "paddle.rand([300, 200])"),
)
