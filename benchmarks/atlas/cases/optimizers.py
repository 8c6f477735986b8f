"""Optimizers after five updates with equal gradients, and clipping of gradients."""

from benchmarks.atlas.cases.case import Line, Rule, family, pair
from benchmarks.parity.tensors.known_differences import (
    ADAMAX_EPSILON,
    CLIPPING_EPSILON,
    KNOWN_DIFFERENCES,
    RMSPROP_EPSILON,
)

CLIPPED = {"p": "C S fixed", "q": "C fixed"}


def updates(torch: str, paddle: str, **options: Rule | str) -> Line:
    """A line of an optimizer of the parameters ``p``."""
    return pair(
        f"updates(lambda p: optim.{torch}, w)",
        f"updates(lambda p: optim.{paddle}, w)",
        timed=False,
        edges=(),
        **options,
    )


def ruled(torch: str, paddle: str, rule: str) -> Line:
    """A line of an optimizer that moves by another rule in paddle."""
    spelled = f"updates(lambda p: optim.{torch}, w)"
    return updates(torch, paddle, rule=Rule.known(rule, spelled))


# fmt: off
CASES = family(
    "optimizers",
    updates("SGD(p, 0.1)", "SGD(0.1, p)"),
    updates("SGD(p, 0.1, weight_decay=0.01)", "SGD(0.1, p, weight_decay=0.01)"),
    updates("SGD(p, 0.1, 0.9)", "Momentum(0.1, parameters=p)"),
    updates("SGD(p, 0.1)", "Momentum(0.1, parameters=p)", rule=Rule(torch="updates(lambda p: optim.SGD(p, 0.1, 0.9), w)", sentence="momentum's default is 0.9 in paddle's Momentum, 0 in torch's SGD")),
    updates("SGD([{'params': p, 'lr': 0.5}], 0.1)", "SGD(0.1, [{'params': p, 'learning_rate': 0.5}])", rule=Rule(torch="updates(lambda p: optim.SGD([{'params': p, 'lr': 0.05}], 0.1), w)", sentence="a group's learning_rate is a factor of the optimizer's in paddle, a rate of its own in torch")),
    updates("SGD(p, 0.1, 0.5)", "Momentum(0.1, 0.5, p)"),
    updates("SGD(p, 0.1, 0.9, weight_decay=0.01)", "Momentum(0.1, 0.9, p, weight_decay=0.01)"),
    updates("SGD(p, 0.1, 0.9, nesterov=True)", "Momentum(0.1, 0.9, p, use_nesterov=True)"),
    updates("Adam(p, 0.01)", "Adam(0.01, parameters=p)"),
    updates("Adam(p)", "Adam(parameters=p)"),
    updates("Adam(p, 0.01, (0.8, 0.99))", "Adam(0.01, 0.8, 0.99, parameters=p)"),
    updates("Adam(p, 0.01, eps=1e-4)", "Adam(0.01, epsilon=1e-4, parameters=p)"),
    updates("Adam(p, 0.01, weight_decay=0.1)", "Adam(0.01, parameters=p, weight_decay=0.1)"),
    updates("Adam(p, 0.01, amsgrad=True)", "Adam(0.01, parameters=p, amsgrad=True)"),
    updates("AdamW(p, 0.01)", "AdamW(0.01, parameters=p)"),
    updates("AdamW(p, 0.01, weight_decay=0.3)", "AdamW(0.01, parameters=p, weight_decay=0.3)"),
    updates("AdamW(p, 0.01, amsgrad=True)", "AdamW(0.01, parameters=p, amsgrad=True)"),
    updates("Adagrad(p, 0.1)", "Adagrad(0.1, parameters=p)", rule=Rule(torch="updates(lambda p: optim.Adagrad(p, 0.1, eps=1e-6), w)", sentence="epsilon's default is 1e-6 in paddle, 1e-10 in torch")),
    updates("Adagrad(p, 0.1, eps=1e-6)", "Adagrad(0.1, parameters=p)"),
    updates("Adagrad(p, 0.1, eps=1e-6, initial_accumulator_value=0.3)", "Adagrad(0.1, parameters=p, initial_accumulator_value=0.3)"),
    updates("Adadelta(p, 0.1)", "Adadelta(0.1, parameters=p)", rule=Rule(torch="updates(lambda p: optim.Adadelta(p, 0.1, rho=0.95), w)", sentence="rho's default is 0.95 in paddle, 0.9 in torch")),
    updates("Adadelta(p, 0.1, rho=0.95)", "Adadelta(0.1, parameters=p)"),
    updates("Adadelta(p, 0.1, rho=0.95)", "Adadelta(0.1, 1e-6, 0.95, p)"),
    updates("RMSprop(p, 0.01)", "RMSProp(0.01, parameters=p)", rule=Rule(torch="updates(lambda p: optim.RMSprop(p, 0.01, 0.95, 1e-6), w)", sentence=f"{KNOWN_DIFFERENCES[RMSPROP_EPSILON].sentence}; paddle's defaults are 0.95 and 1e-6")),
    ruled("RMSprop(p, 0.01, alpha=0.95, eps=1e-6)", "RMSProp(0.01, parameters=p)", RMSPROP_EPSILON),
    ruled("RMSprop(p, 0.01, 0.95, 1e-6, momentum=0.9)", "RMSProp(0.01, 0.95, 1e-6, 0.9, parameters=p)", RMSPROP_EPSILON),
    ruled("RMSprop(p, 0.01, 0.95, 1e-6, centered=True)", "RMSProp(0.01, 0.95, 1e-6, centered=True, parameters=p)", RMSPROP_EPSILON),
    ruled("Adamax(p, 0.01)", "Adamax(0.01, parameters=p)", ADAMAX_EPSILON),
    updates("NAdam(p, 0.01)", "NAdam(0.01, parameters=p)"),
    updates("RAdam(p, 0.01)", "RAdam(0.01, parameters=p)"),
    updates("Rprop(p, 0.01)", "Rprop(0.01, parameters=p)"),
    updates("ASGD(p, 0.01)", "ASGD(0.01, parameters=p)"),
    updates("LBFGS(p, 0.01)", "LBFGS(0.01, parameters=p)", note="both need a closure"),
    pair("updates(lambda p: optim.Muon(p, 0.01), w)", "updates(lambda p: optim.Muon(0.01, parameters=p), w)", timed=False, edges=()),
    updates("SGD(p)", "SGD(parameters=p)"),
    pair("clipped(lambda ps: nn.utils.clip_grad_norm_(ps, 1.0), p, q)", "clipped(nn.ClipGradByGlobalNorm(1.0), p, q)", **CLIPPED, timed=False, rule=Rule.known(CLIPPING_EPSILON, "(lambda n: [p / n, q / n])((p.square().sum() + q.square().sum()).sqrt())")),
    pair("clipped(lambda ps: nn.utils.clip_grad_norm_(ps, 1.0), p, q)", "clipped(lambda ps: nn.utils.clip_grad_norm_(ps, 1.0), p, q)", **CLIPPED, timed=False),
    pair("clipped(lambda ps: nn.utils.clip_grad_norm_(ps, 1e3), p, q)", "clipped(nn.ClipGradByGlobalNorm(1e3), p, q)", **CLIPPED, timed=False, note="shorter than the limit"),
    pair("clipped(lambda ps: nn.utils.clip_grad_value_(ps, 0.3), p, q)", "clipped(nn.ClipGradByValue(0.3), p, q)", **CLIPPED, timed=False),
    pair("clipped(lambda ps: nn.utils.clip_grad_value_(ps, 0.3), p, q)", "clipped(lambda ps: nn.utils.clip_grad_value_(ps, 0.3), p, q)", **CLIPPED, timed=False),
    pair("clipped(lambda ps: [nn.utils.clip_grad_norm_([one], 1.0) for one in ps], p, q)", "clipped(nn.ClipGradByNorm(1.0), p, q)", **CLIPPED, timed=False),
    w="C S",
)
