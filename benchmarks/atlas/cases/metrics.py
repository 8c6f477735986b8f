"""Metrics that paddle ships, against the same in torch's plain operations."""

from benchmarks.atlas.cases.case import family, pair

CLASSES = {"x": "64 5 fixed", "t": "labels 5: 64 1"}
SCORES = {"x": "unit: 64 fixed", "t": "labels 2: 64"}


def counted(metric: str) -> str:
    """Paddle's spelling of a metric's value after one batch."""
    return f"(lambda m: (m.update(x.numpy(), t.numpy()), m.accumulate())[1])(paddle.metric.{metric})"


# fmt: off
CASES = family(
    "metrics",
    pair("(x.argmax(1, keepdim=True) == t).double().mean()", "paddle.metric.accuracy(x.astype('float32'), t)", **CLASSES, timed=False, edges=()),
    pair("(x.topk(2, 1).indices == t).any(1).double().mean()", "paddle.metric.accuracy(x.astype('float32'), t, k=2)", **CLASSES, timed=False, edges=()),
    pair("((x > 0.5) & (t == 1)).sum().double() / (x > 0.5).sum()", counted("Precision()"), **SCORES, timed=False, edges=()),
    pair("((x > 0.5) & (t == 1)).sum().double() / (t == 1).sum()", counted("Recall()"), **SCORES, timed=False, edges=()),
    pair("(x[t == 1][:, None] > x[t == 0][None]).double().mean()", "(lambda m: (m.update(paddle.stack([1 - x, x], 1).numpy(), t.numpy()), m.accumulate())[1])(paddle.metric.Auc())", **SCORES, timed=False, edges=(), note="paddle sorts into 4096 buckets"),
)
