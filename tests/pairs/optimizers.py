"""Optimizers of both sides by name, each as (torch's, paddle's): pairs that agree, and pairs that do not."""

import importlib

ROOT = 2.0**-126  # an epsilon that moves nothing, inside a root or outside
LIMIT = 0.01  # of a gradient's norm: some drawn gradients are longer, some shorter
DECAY = {"weight_decay": 0.01}


def maker(words, pair):
    """A callable from a model to its optimizer on this side."""
    ours, theirs = PAIRS[pair]
    if words.is_torch:
        return lambda model: _torchs(*ours, model.parameters())
    return lambda model: _paddles(*theirs, model.parameters())


def _torchs(name, options, parameters):
    torch = importlib.import_module("torch")
    kind, _, how = name.partition(" clipped ")
    clip = CLIPS.get(how)
    if clip is None:
        return getattr(torch.optim, kind)(parameters, **options)

    class Clipped(getattr(torch.optim, kind)):
        def step(self, closure=None):
            for group in self.param_groups:
                clip(torch, group["params"])
            return super().step(closure)

    return Clipped(parameters, **options)


def _paddles(name, options, parameters):
    paddle = importlib.import_module("paddle")
    clip = options.get("grad_clip")
    more = {} if clip is None else {"grad_clip": getattr(paddle.nn, clip)(LIMIT)}
    return getattr(paddle.optimizer, name)(parameters=parameters, **{**options, **more})


def _by_each_norm(torch, parameters):
    for parameter in parameters:
        parameter.grad = parameter.grad * (LIMIT / torch.linalg.norm(parameter.grad).clamp(min=LIMIT))


def _by_norm_of_all(torch, parameters):
    norm = torch.linalg.norm(torch.stack([torch.linalg.norm(parameter.grad) for parameter in parameters]))
    for parameter in parameters:
        parameter.grad = parameter.grad * (LIMIT / norm.clamp(min=LIMIT))


def _by_value(torch, parameters):
    torch.nn.utils.clip_grad_value_(parameters, LIMIT)


def _with_epsilon(torch, parameters):
    for parameter in parameters:
        torch.nn.utils.clip_grad_norm_([parameter], LIMIT)


def _all_with_epsilon(torch, parameters):
    torch.nn.utils.clip_grad_norm_(parameters, LIMIT)


CLIPS = {
    "by each norm": _by_each_norm,
    "by the norm of all": _by_norm_of_all,
    "by value": _by_value,
    "by each norm, with epsilon": _with_epsilon,
    "by the norm of all, with epsilon": _all_with_epsilon,
}


def _rmsprop(*, rho=0.99, eps=ROOT, theirs=ROOT, **options):
    ours = {"lr": 1e-3, "alpha": 0.99, "eps": eps, **options}
    return ("RMSprop", ours), ("RMSProp", {"learning_rate": 1e-3, "rho": rho, "epsilon": theirs, **options})


def _same(name, theirs, *, lr, names, values, changed=None, **options):
    """The same hyper-parameters under both frameworks' ``names``; paddle's are ``changed``."""
    ours = {"lr": lr, **{name: values[name] for name in values}, **options}
    values = {names.get(key, key): value for key, value in (values | (changed or {})).items()}
    return (name, ours), (theirs, {"learning_rate": lr, **values, **options})


def _adadelta(**changed):
    values = {"rho": 0.9, "eps": 1e-6}
    return _same("Adadelta", "Adadelta", lr=1.0, names=EPSILON, values=values, changed=changed, **DECAY)


def _adagrad(**changed):
    return _same("Adagrad", "Adagrad", lr=1e-2, names=EPSILON, values={"eps": 1e-6}, changed=changed, **DECAY)


def _rprop(**changed):
    values = {"etas": (0.5, 1.2), "step_sizes": (1e-6, 50)}
    return _same("Rprop", "Rprop", lr=1e-2, names=EPSILON, values=values, changed=changed)


def _with_betas(name, *, lr, eps=1e-8, more=None, changed=None, **options):
    """Torch has both betas in one argument."""
    values = {"beta1": 0.9, "beta2": 0.999} | {key: options.pop(key) for key in ("beta1",) if key in options}
    ours = {"lr": lr, "betas": (values["beta1"], values["beta2"]), "eps": eps, **(more or {}), **options}
    theirs = {"learning_rate": lr, **values, "epsilon": eps, **(more or {}), **options} | (changed or {})
    return (name, ours), (name, theirs)


def _clipped(ours, theirs):
    return (f"SGD clipped {ours}", {"lr": 1e-2}), ("SGD", {"learning_rate": 1e-2, "grad_clip": theirs})


def _rmsprop_clipped(ours, theirs, **options):
    (name, own), (other, others) = _rmsprop(eps=1e-6, theirs=1e-6, **options)
    return (f"{name} clipped {ours}", own), (other, {**others, "grad_clip": theirs})


EPSILON = {"eps": "epsilon", "step_sizes": "learning_rate_range"}
EQUAL = {
    "rmsprop": _rmsprop(),
    "rmsprop_centered": _rmsprop(momentum=0.9, centered=True, **DECAY),
    "adadelta": _adadelta(),
    "adagrad": _adagrad(),
    "adamax": _with_betas("Adamax", lr=2e-3, eps=0.0),
    "nadam": _with_betas("NAdam", lr=2e-3, more={"momentum_decay": 0.004}, **DECAY),
    "radam": _with_betas("RAdam", lr=1e-3, **DECAY),
    "rprop": _rprop(),
    "amsgrad": _with_betas("Adam", lr=1e-3, amsgrad=True),
    "adam_without_beta1": _with_betas("Adam", lr=1e-3, beta1=0.0, **DECAY),
    "clipped_by_each_norm": _clipped("by each norm", "ClipGradByNorm"),
    "clipped_by_the_norm_of_all": _clipped("by the norm of all", "ClipGradByGlobalNorm"),
    "clipped_by_value": _clipped("by value", "ClipGradByValue"),
}
UNEQUAL = {
    "rmsprop_rho": _rmsprop(rho=0.99001),
    "rmsprop_by_default": _rmsprop(eps=1e-8, theirs=1e-6),
    "adadelta_rho": _adadelta(rho=0.90001),
    "adagrad_epsilon": _adagrad(eps=1.0001e-6),
    "adamax_beta": _with_betas("Adamax", lr=2e-3, eps=0.0, changed={"beta2": 0.99901}),
    "nadam_decay": _with_betas(
        "NAdam", lr=2e-3, more={"momentum_decay": 4e-3}, changed={"momentum_decay": 5e-3}
    ),
    "radam_beta": _with_betas("RAdam", lr=1e-3, changed={"beta1": 0.90001}),
    "rprop_etas": _rprop(etas=(0.5, 1.20001)),
    "amsgrad_forgotten": _with_betas("Adam", lr=1e-3, amsgrad=True, changed={"amsgrad": False}),
    "beta1_not_quite_0": _with_betas("Adam", lr=1e-3, beta1=0.0, changed={"beta1": 1e-6}),
    "clipped_by_another_norm": _clipped("by each norm", "ClipGradByGlobalNorm"),
    "clipped_by_value_or_norm": _clipped("by value", "ClipGradByNorm"),
}
# Equal hyper-parameters and another rule in each framework.
DIFFERING = {
    "rmsprop_epsilon_inside_the_root": _rmsprop(eps=1e-8, theirs=1e-8),
    "rmsprop_momentum_with_rate": _rmsprop(eps=1e-6, theirs=1e-6, momentum=0.9, centered=True, **DECAY),
    "adamax_epsilon": _with_betas("Adamax", lr=2e-3),
    "clipped_with_epsilon": _clipped("by each norm, with epsilon", "ClipGradByNorm"),
    "clipped_by_all_with_epsilon": _clipped("by the norm of all, with epsilon", "ClipGradByGlobalNorm"),
    "rmsprop_clipped_with_epsilon": _rmsprop_clipped("by each norm, with epsilon", "ClipGradByNorm"),
}
DIFFERENT = {
    "rmsprop_clipped_with_epsilon": ("clipping-epsilon", "rmsprop-epsilon"),
    "rmsprop_epsilon_inside_the_root": ("rmsprop-epsilon",),
    "rmsprop_momentum_with_rate": ("rmsprop-epsilon",),
    "adamax_epsilon": ("adamax-epsilon",),
    "clipped_with_epsilon": ("clipping-epsilon",),
    "clipped_by_all_with_epsilon": ("clipping-epsilon",),
}
DIFFERENT_AND_FAULTY = {
    "rmsprop_epsilon_and_rho": _rmsprop(eps=1e-8, theirs=1e-8, rho=0.99001),
    "adamax_epsilon_and_beta": _with_betas("Adamax", lr=2e-3, changed={"beta2": 0.99901}),
    "clipped_with_epsilon_otherwise": _clipped("by each norm, with epsilon", "ClipGradByGlobalNorm"),
}
PAIRS = EQUAL | UNEQUAL | DIFFERING | DIFFERENT_AND_FAULTY
