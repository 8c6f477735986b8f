"""Losses: weights, smoothing, ignored labels, reductions; as functions and as layers."""

from benchmarks.atlas.cases.case import Rule, family, pair, same

LOGITS = {"x": "8 5", "t": "labels 5: 8"}
IMAGES = {"x": "B 5 S S", "t": "labels 5: B S S"}
HOLES = {"x": "8 5", "t": "holes 5: 8"}
WEIGHTED = {"x": "8 5", "t": "labels 5: 8", "w": "positive: 5 fixed"}
SOFT = {"x": "8 5", "t": "shares: 8 5 fixed"}
BOTH = {"x": "B C S", "y": "B C S"}
UNIT = {"x": "unit: B C S", "y": "unit: B C S fixed"}
WHOLE = "paddle divides by the whole batch where ignore_index is negative, torch by what is not ignored"
HUBER = "paddle's smooth L1 is Huber's loss: delta times torch's"
WEIGHTS = "paddle weighs an image's whole loss by its labels' weights and divides by their sum, torch weighs each class"
WEIGHED = "(lambda s: (-(s * F.log_softmax(x, 1)).sum(1) * (s @ w)).sum() / (s @ w).sum())(SOFT)"
COSINE = "(lambda c: torch.where(s == 1, 1 - c, F.relu(c - MARGIN)).mean())((x * y).sum(1) / ((x.square().sum(1) + 1e-11) * (y.square().sum(1) + 1e-11)).sqrt())"
LENGTHS = "paddle adds 1e-11 to the squared lengths, torch 1e-12"
REDUCTIONS = ("mean", "sum", "none")

# fmt: off
CASES = family(
    "losses",
    *(same(f"F.cross_entropy(x, t, reduction='{reduction}')", **LOGITS) for reduction in REDUCTIONS),
    pair("F.cross_entropy(x, t, reduction='none')", "F.cross_entropy(x, t, reduction='none').squeeze(-1)", **LOGITS),
    pair("F.cross_entropy(x, t)", "F.cross_entropy(x, t, axis=1)", **IMAGES),
    same("F.cross_entropy(x, t)", **IMAGES, note="paddle's classes are the last axis"),
    same("F.cross_entropy(x, t)", **HOLES, rule=Rule(torch="F.cross_entropy(x, t, reduction='sum') / t.numel()", sentence=WHOLE)),
    pair("F.cross_entropy(x, t, ignore_index=3)", "F.cross_entropy(x, t, ignore_index=3)", **LOGITS),
    pair("F.cross_entropy(x, t, ignore_index=-100, reduction='sum')", "F.cross_entropy(x, t, ignore_index=-100, reduction='sum')", **HOLES),
    pair("F.cross_entropy(x, t, w)", "F.cross_entropy(x, t, weight=w)", **WEIGHTED),
    pair("F.cross_entropy(x, t, w, reduction='sum')", "F.cross_entropy(x, t, weight=w, reduction='sum')", **WEIGHTED),
    pair("F.cross_entropy(x, t, w, ignore_index=3)", "F.cross_entropy(x, t, weight=w, ignore_index=3)", **WEIGHTED),
    same("F.cross_entropy(x, t, label_smoothing=0.1)", **LOGITS),
    same("F.cross_entropy(x, t, label_smoothing=0.25)", **LOGITS),
    pair("F.cross_entropy(x, t, w, label_smoothing=0.1)", "F.cross_entropy(x, t, weight=w, label_smoothing=0.1)", **WEIGHTED, note="another weighing, see 0.25 of four classes, and constants in float32"),
    pair("F.cross_entropy(x, t, w, label_smoothing=0.25)", "F.cross_entropy(x, t, weight=w, label_smoothing=0.25)", x="8 4", t="labels 4: 8", w="positive: 4 fixed", rule=Rule(torch=WEIGHED.replace("SOFT", "F.one_hot(t, 4) * 0.75 + 0.0625"), sentence=WEIGHTS)),
    pair("F.cross_entropy(x, t)", "F.cross_entropy(x, t, soft_label=True)", **SOFT),
    same("F.cross_entropy(x, t)", **SOFT, note="paddle must be told of soft labels"),
    pair("F.cross_entropy(x, t, w)", "F.cross_entropy(x, t, weight=w, soft_label=True)", **SOFT, w="positive: 5 fixed", rule=Rule(torch=WEIGHED.replace("SOFT", "t"), sentence=WEIGHTS)),
    pair("F.cross_entropy(x, t)", "F.cross_entropy(x, t, soft_label=True)", x="8 5", t="unit: 8 5 fixed", note="paddle's gradient takes it that soft labels sum to 1"),
    pair("F.cross_entropy(x, t, label_smoothing=0.1)", "F.cross_entropy(x, t, soft_label=True, label_smoothing=0.1)", **SOFT),
    same("F.cross_entropy(x, t)", x="large: 8 5", t="labels 5: 8", note="no image loses more than 64 on paddle's CPU"),
    same("nn.CrossEntropyLoss()", **LOGITS),
    same("nn.CrossEntropyLoss(label_smoothing=0.1)", **LOGITS),
    pair("F.nll_loss(F.log_softmax(x, 1), t)", "F.nll_loss(F.log_softmax(x, 1), t)", **LOGITS),
    same("F.nll_loss(F.log_softmax(x, 1), t, w)", **WEIGHTED),
    same("F.nll_loss(F.log_softmax(x, 1), t)", **HOLES, isolated=True, edges=(), note="the default ignore_index of -100: paddle 3.3.1 reads beyond its memory on the CPU"),
    same("F.nll_loss(F.log_softmax(x, 1), t, reduction='sum')", **LOGITS),
    same("F.nll_loss(F.log_softmax(x, 1), t)", **IMAGES),
    same("nn.NLLLoss()", **LOGITS),
    *(same(f"F.mse_loss(x, y, reduction='{reduction}')", **BOTH) for reduction in REDUCTIONS),
    *(same(f"F.l1_loss(x, y, reduction='{reduction}')", **BOTH) for reduction in REDUCTIONS),
    same("nn.MSELoss()", **BOTH),
    same("nn.L1Loss()", **BOTH),
    same("F.l1_loss(x, y)", x="ties: B C S", y="ties: B C S", note="the gradient at 0"),
    same("F.smooth_l1_loss(x, y)", **BOTH),
    pair("F.huber_loss(x, y, delta=0.3)", "F.smooth_l1_loss(x, y, delta=0.3)", **BOTH),
    pair("F.smooth_l1_loss(x, y, beta=0.3)", "F.smooth_l1_loss(x, y, delta=0.3)", **BOTH, rule=Rule(torch="F.huber_loss(x, y, delta=0.3)", sentence=HUBER)),
    pair("F.smooth_l1_loss(x, y, beta=0.5)", "F.smooth_l1_loss(x, y, delta=0.5)", **BOTH, rule=Rule(torch="F.huber_loss(x, y, delta=0.5)", sentence=HUBER)),
    pair("F.huber_loss(x, y, delta=1.3)", "F.smooth_l1_loss(x, y, delta=1.3)", **BOTH),
    same("F.huber_loss(x, y)", **BOTH, instead="F.smooth_l1_loss(x, y)"),
    pair("nn.SmoothL1Loss(beta=0.3)", "nn.SmoothL1Loss(delta=0.3, is_huber=False)", **BOTH),
    same("nn.SmoothL1Loss()", **BOTH),
    same("nn.HuberLoss()", **BOTH, instead="nn.SmoothL1Loss()"),
    *(same(f"F.binary_cross_entropy(x, y, reduction='{reduction}')", **UNIT) for reduction in REDUCTIONS),
    same("F.binary_cross_entropy(x, y, w)", **UNIT, w="positive: B C S fixed"),
    same("nn.BCELoss()", **UNIT),
    pair("F.binary_cross_entropy(x.round(), y)", "F.binary_cross_entropy(x.round(), y)", **UNIT, note="probabilities of 0 and 1: torch limits the logarithm to -100"),
    pair("F.binary_cross_entropy_with_logits(x, y)", "F.binary_cross_entropy_with_logits(x, y)", x="B C S", y="unit: B C S fixed"),
    pair("F.binary_cross_entropy_with_logits(x, y, pos_weight=p)", "F.binary_cross_entropy_with_logits(x, y, pos_weight=p)", x="B C S", y="unit: B C S fixed", p="positive: S fixed"),
    pair("F.binary_cross_entropy_with_logits(x, y, w)", "F.binary_cross_entropy_with_logits(x, y, w)", x="B C S", y="unit: B C S fixed", w="positive: B C S fixed"),
    same("F.binary_cross_entropy_with_logits(x, y)", x="large: B C S", y="unit: B C S fixed"),
    same("nn.BCEWithLogitsLoss()", x="B C S", y="unit: B C S fixed"),
    same("F.kl_div(x, y)", x="B C", y="shares: B C fixed", note="the mean is over all numbers in both"),
    *(same(f"F.kl_div(x, y, reduction='{reduction}')", x="B C", y="shares: B C fixed") for reduction in (*REDUCTIONS, "batchmean")),
    same("F.kl_div(x, y, log_target=True)", x="B C", y="B C fixed"),
    same("nn.KLDivLoss()", x="B C", y="shares: B C fixed"),
    same("nn.KLDivLoss(reduction='batchmean')", x="B C", y="shares: B C fixed"),
    same("F.margin_ranking_loss(x, y, s)", x="B S", y="B S", s="signs: B S fixed"),
    same("F.margin_ranking_loss(x, y, s, margin=0.3)", x="B S", y="B S", s="signs: B S fixed"),
    same("nn.MarginRankingLoss(0.3)", x="B S", y="B S", s="signs: B S fixed"),
    same("F.hinge_embedding_loss(x, s)", x="B S", s="signs: B S fixed"),
    same("F.hinge_embedding_loss(x, s, margin=0.3)", x="B S", s="signs: B S fixed"),
    pair("F.cosine_embedding_loss(x, y, s)", "F.cosine_embedding_loss(x, y, s)", x="8 S", y="8 S", s="signs: 8 fixed", rule=Rule(torch=COSINE.replace("MARGIN", "0"), sentence=LENGTHS)),
    pair("F.cosine_embedding_loss(x, y, s, margin=0.3)", "F.cosine_embedding_loss(x, y, s, margin=0.3)", x="8 S", y="8 S", s="signs: 8 fixed", rule=Rule(torch=COSINE.replace("MARGIN", "0.3"), sentence=LENGTHS)),
    same("F.triplet_margin_loss(x, y, z)", x="8 S", y="8 S", z="8 S"),
    same("F.triplet_margin_loss(x, y, z, margin=0.3, swap=True)", x="8 S", y="8 S", z="8 S"),
    same("F.triplet_margin_loss(x, y, z, p=3.0)", x="8 S", y="8 S", z="8 S", rule=Rule(torch="(lambda d: F.relu(d(x - y) - d(x - z) + 1).mean())(lambda v: torch.linalg.vector_norm(v + 1e-6, 3.0, 1))", sentence="the p-norm of the differences")),
    same("F.triplet_margin_with_distance_loss(x, y, z)", x="8 S", y="8 S", z="8 S"),
    same("F.soft_margin_loss(x, s)", x="B S", s="signs: B S fixed"),
    same("nn.SoftMarginLoss(reduction='sum')", x="B S", s="signs: B S fixed"),
    pair("F.multilabel_soft_margin_loss(x, y.to(x))", "F.multi_label_soft_margin_loss(x, y.astype(x.dtype))", x="B S", y="bools: B S"),
    same("F.multi_margin_loss(x, t)", **LOGITS),
    same("F.multi_margin_loss(x, t, margin=0.3)", **LOGITS),
    pair("F.multi_margin_loss(x, t, p=2, weight=w)", "F.multi_margin_loss(x, t, p=2, weight=w)", **WEIGHTED),
    same("F.multilabel_margin_loss(x, t)", x="8 5", t="labels 5: 8 5"),
    same("F.poisson_nll_loss(x, y)", x="B S", y="positive: B S fixed"),
    same("F.poisson_nll_loss(x, y, log_input=False)", x="positive: B S", y="positive: B S fixed"),
    same("F.poisson_nll_loss(x, y, full=True)", x="B S", y="beyond: B S fixed"),
    pair("F.gaussian_nll_loss(x, y, v)", "F.gaussian_nll_loss(x, y, v)", x="B S", y="B S fixed", v="positive: B S"),
    same("F.gaussian_nll_loss(x, y, v, full=True)", x="B S", y="B S fixed", v="positive: B S"),
    pair("F.ctc_loss(F.log_softmax(x, 2), t + 1, torch.tensor([12, 12]), torch.tensor([3, 3]))", "F.ctc_loss(x, t.astype('int32') + 1, paddle.to_tensor([12, 12]), paddle.to_tensor([3, 3]))", x="12 2 5", t="labels 4: 2 3", edges=()),
    pair("vision.ops.sigmoid_focal_loss(x, y, reduction='sum')", "F.sigmoid_focal_loss(x, y)", x="B S", y="unit: B S fixed"),
    pair("vision.ops.sigmoid_focal_loss(x, y)", "F.sigmoid_focal_loss(x, y)", x="B S", y="unit: B S fixed", note="paddle's default is the sum, torchvision's none"),
    pair("vision.ops.sigmoid_focal_loss(x, y, 0.3, 1.7, 'sum')", "F.sigmoid_focal_loss(x, y, None, 0.3, 1.7)", x="B S", y="unit: B S fixed"),
    pair("((x - y) ** 2).sum()", "F.square_error_cost(x, y).sum()", **BOTH),
    pair("-(y * torch.log(x + 1e-4) + (1 - y) * torch.log(1 - x + 1e-4))", "F.log_loss(x, y)", x="unit: 8 1", y="unit: 8 1 fixed"),
)
