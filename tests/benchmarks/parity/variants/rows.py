"""Rows of a page made by hand: one that passes, one that is broken, one that could not be had."""

from benchmarks.results.parity_schema import (
    Agreement,
    Disagreement,
    Distance,
    Excuse,
    Fault,
    ParityPage,
    Ranking,
    Speed,
    StageVerdict,
    Variant,
)


def variant(name="net", **more):
    """A row that passes."""
    facts = {
        "name": name, "torch": "mine:net", "paddle": "mine:twin", "input_shape": (3, 8, 8), "num_classes": 8,
        "parameters": 1000, "verdict": "pass", "finding": "rounding", "seconds": 1.0,
        "stages": [StageVerdict(stage="forward", dtype="float64", verdict="pass", tensors=3)],
        "logits": Distance(images=10, float32_max=1.1e-4, float32_mean=1e-5, checked=2, float64_max=3e-15),
        "features": Distance(images=10, layer="fc", float32_max=1e-5, checked=2, float64_max=1e-16),
        "images": Agreement(source="photos.txt", images=10, top1_agreed=10, top5_agreed=9),
    }  # fmt: skip
    return Variant(**facts | more)


def disagreement(image="a.png", *, margin=1e-9, apart=1e-7, in_float64=(1, 1)):
    """An image of which torch says 0 and paddle 1."""
    ranked = {"torch_margin": margin, "paddle_margin": margin}
    float64 = Ranking(torch_class=in_float64[0], paddle_class=in_float64[1], max_abs=1e-16, **ranked)
    float32 = Ranking(torch_class=0, paddle_class=1, max_abs=apart, **ranked)
    return Disagreement(image=image, float32=float32, float64=float64, float64_relative_l2=1e-16)


def broken(name="broken", **more):
    """A row that fails."""
    place = "/home/me/mine.py:12: self.norm = nn.BatchNorm2d(4)"
    first = Fault(stage="forward", tensor="logits", layer="norm", relative_l2=1e-3, places=[place])
    return variant(name, **{"verdict": "fail", "finding": "fault", "fault": first} | more)


def lost(name="lost", **more):
    """A row that could not be compared."""
    empty = dict.fromkeys(("logits", "features", "images", "parameters"))
    more = {"reason": "paddle: the worker died", "stages": [], "finding": "unknown"} | empty | more
    return variant(name, verdict="incomplete", **more)


def page(*rows, **request):
    """A page with every part that one can have."""
    backends = {"torch": {"torch": "2.14.1"}, "paddle": {"paddle": "3.3.1"}}
    environment = {
        "cpu": "a processor",
        "gpus": [],
        "date": "2026-11-30T10:00:00+00:00",
        "backends": backends,
    }
    facts = {"images": "photos.txt", "batch_size": 2, "stages": ["forward", "float32"], "command": "again"}
    return ParityPage(environment=environment, request=facts | request, variants=list(rows))


def whole_page():
    """All kinds of rows at once."""
    rule = {"stage": "train-mode", "what": "running-variance", "relative_l2": 1e-2, "left": 1e-16}
    constant = {"what": "alpha of ELU and CELU, kept in float32", "relative_l2": 1e-8, "left": 0.0}
    excuses = [
        Excuse(kind="difference", tensors=2, **rule),
        Excuse(kind="rounding", stage="forward", tensors=1, **constant),
    ]
    speed = [Speed(case="infer eager fp32 batch 8", verdict="torch faster", ratio=0.5, ratio_ci95=(0.4, 0.6))]
    counts = {"images": 9, "left_out": 1, "top1_agreed": 8, "disagreements_total": 30}
    odd = Agreement(source="photos.txt", disagreements=[disagreement()], **counts)
    known = variant("known", finding="known rounding", excuses=excuses, images=odd, weights="net.pth")
    hidden = broken("hidden", finding="hidden fault")
    unexplained = variant("unexplained", verdict="fail", finding="unexplained", speed_reason="not there")
    no_images = variant("drawn", images=None, images_reason="takes 4 channels")
    made = page(variant(speed=speed), known, broken(), hidden, unexplained, no_images, lost())
    made.missing = ["next"]
    return made
