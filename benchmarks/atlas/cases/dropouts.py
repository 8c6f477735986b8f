"""Dropouts: what is dropped how often, how the rest is scaled, and what evaluation does."""

from benchmarks.atlas.cases.case import Line, Rule, family, layer, pair, same

ONES = "ones: 40000"
CHANNELS = "ones: 400 100 2 2"


def drawn(line: Line, x: str = ONES, timed: str = "B C S S") -> Line:
    """A line that is compared by its distribution, and timed on other inputs."""
    return {**line, "inputs": {"x": x}, "compared": "distribution", "training": True, "timed_as": timed}


# fmt: off
CASES = family(
    "dropouts",
    drawn(same("F.dropout(x)")),
    drawn(same("F.dropout(x, 0.1)")),
    drawn(same("F.dropout(x, 0.3)")),
    drawn(same("F.dropout(x, 0.9)")),
    drawn(same("F.dropout(x, 0.0)")),
    drawn(same("F.dropout(x, 1.0)")),
    drawn(same("nn.Dropout(0.2)")),
    drawn(layer("nn.Dropout1d(0.2)"), x="ones: 4000 10 2", timed="B C S"),
    drawn(layer("nn.Dropout2d(0.2)"), x=CHANNELS),
    drawn(layer("nn.Dropout3d(0.2)"), x="ones: 400 100 2 2 2", timed="B C S S 4"),
    drawn(same("F.dropout2d(x, 0.2)"), x=CHANNELS),
    drawn(same("F.dropout3d(x, 0.2)"), x="ones: 400 100 2 2 2", timed="B C S S 4"),
    drawn(same("nn.AlphaDropout(0.2)")),
    drawn(same("F.alpha_dropout(x, 0.3, training=True)")),
    drawn(same("nn.FeatureAlphaDropout(0.2)"), x=CHANNELS),
    drawn(pair("F.dropout(x, 0.3)", "F.dropout(x, 0.3, mode='downscale_in_infer')") | {"rule": Rule(torch="F.dropout(x, 0.3) * 0.7", sentence="downscale_in_infer does not scale in training")}),
    same("F.dropout(x, 0.3, training=False)"),
    pair("F.dropout(x, 0.3, training=False)", "F.dropout(x, 0.3, training=False, mode='downscale_in_infer')", rule=Rule(torch="x * float32(1 - 0.3)", sentence="downscale_in_infer scales by 1 - p in evaluation")),
    same("nn.Dropout(0.2)", x="B C S S"),
    layer("nn.Dropout2d(0.2)", x="B C S S"),
    same("nn.AlphaDropout(0.2)", x="B C S S"),
    same("F.alpha_dropout(x, 0.3)", x="B C S S", note="torch's default is evaluation, paddle's training"),
    pair("nn.Dropout(0.5)", "nn.Dropout(0.5, mode='downscale_in_infer')", x="B C S S", rule=Rule(torch="x * 0.5", sentence="downscale_in_infer scales by 1 - p in evaluation")),
    x="B C S S",
)
