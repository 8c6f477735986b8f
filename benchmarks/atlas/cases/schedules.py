"""Schedules: the rates that an optimizer uses in twelve steps, and the constants of the loss's scale."""

from benchmarks.atlas.cases.case import Line, family, pair


def rates(torch: str, paddle: str, note: str = "") -> Line:
    """A line of a schedule of the optimizer ``o``."""
    return pair(
        f"rates(lambda o: schedules.{torch})",
        f"rates(schedules.{paddle})",
        timed=False,
        edges=(),
        note=note,
    )


# fmt: off
CASES = family(
    "schedules",
    rates("StepLR(o, 3)", "StepDecay(0.1, 3)"),
    rates("StepLR(o, 3, 0.5)", "StepDecay(0.1, 3, 0.5)"),
    rates("MultiStepLR(o, [3, 7])", "MultiStepDecay(0.1, [3, 7])"),
    rates("ExponentialLR(o, 0.9)", "ExponentialDecay(0.1, 0.9)"),
    rates("CosineAnnealingLR(o, 5)", "CosineAnnealingDecay(0.1, 5)"),
    rates("CosineAnnealingLR(o, 5, 0.01)", "CosineAnnealingDecay(0.1, 5, 0.01)"),
    rates("CosineAnnealingWarmRestarts(o, 4)", "CosineAnnealingWarmRestarts(0.1, 4)"),
    rates("CosineAnnealingWarmRestarts(o, 3, 2)", "CosineAnnealingWarmRestarts(0.1, 3, 2)"),
    rates("PolynomialLR(o, 8)", "PolynomialDecay(0.1, 8, 0.0, 1.0)"),
    rates("PolynomialLR(o, 8, 2.0)", "PolynomialDecay(0.1, 8, 0.0, 2.0)"),
    rates("PolynomialLR(o, 8)", "PolynomialDecay(0.1, 8)", "paddle ends at 0.0001"),
    rates("LambdaLR(o, lambda n: 0.9**n)", "LambdaDecay(0.1, lambda n: 0.9**n)"),
    rates("MultiplicativeLR(o, lambda n: 0.9)", "MultiplicativeDecay(0.1, lambda n: 0.9)"),
    rates("LinearLR(o, 0.3, 1.0, 5)", "LinearLR(0.1, 5, 0.3, 1.0)"),
    rates("LinearLR(o)", "LinearLR(0.1, 5)"),
    rates("ConstantLR(o, 0.3, 4)", "PiecewiseDecay([4], [0.03, 0.1])"),
    rates("LambdaLR(o, lambda n: min(1.0, (n + 1) / 5))", "LinearWarmup(0.1, 4, 0.02, 0.1)"),
    rates("OneCycleLR(o, 0.3, total_steps=13)", "OneCycleLR(0.3, 13)"),
    rates("OneCycleLR(o, 0.3, total_steps=13, cycle_momentum=False, three_phase=True)", "OneCycleLR(0.3, 13, three_phase=True)"),
    rates("CyclicLR(o, 0.1, 0.5, 4, cycle_momentum=False)", "CyclicLR(0.1, 0.5, 4)"),
    rates("CyclicLR(o, 0.1, 0.5, 3, 2, 'triangular2', cycle_momentum=False)", "CyclicLR(0.1, 0.5, 3, 2, 'triangular2')"),
    pair("asked(lambda o: schedules.StepLR(o, 3))", "asked(schedules.StepDecay(0.1, 3))", timed=False, edges=()),
    pair("asked(lambda o: schedules.CosineAnnealingLR(o, 5))", "asked(schedules.CosineAnnealingDecay(0.1, 5))", timed=False, edges=(), note="paddle's get_lr() names the next rate: ask the optimizer"),
    rates("LambdaLR(o, lambda n: 1 / (1 + 0.5 * n))", "InverseTimeDecay(0.1, 0.5)"),
    rates("LambdaLR(o, lambda n: math.exp(-0.5 * n))", "NaturalExpDecay(0.1, 0.5)"),
    pair("(lambda s: [s.get_scale(), s.get_growth_factor(), s.get_backoff_factor(), s.get_growth_interval()])(torch.amp.GradScaler('cpu'))", "list(paddle.amp.GradScaler.__init__.__defaults__[1:5])", timed=False, edges=(), note="of the loss's scale; on a CPU paddle's is off"),
)
