"""Products, einsum and linear algebra."""

from benchmarks.atlas.cases.case import Rule, family, pair, same

MATRICES = {"x": "B C S", "y": "B S C"}
SQUARE = {"x": "B C C"}
DEFINITE = {"x": "definite: B 4 4"}


def of_differences(torch: str) -> Rule:
    """Paddle's distances as norms of differences, in torch's words."""
    return Rule(torch=torch, sentence="the p-norm of the differences")


# fmt: off
CASES = family(
    "algebra",
    same("torch.matmul(x, y)", **MATRICES),
    same("x @ y", **MATRICES),
    same("torch.bmm(x, y)", **MATRICES),
    same("torch.mm(x, y)", x="C S", y="S C"),
    same("torch.mv(x, y)", x="C S", y="S"),
    same("torch.dot(x, y)", x="S", y="S"),
    same("torch.outer(x, y)", x="C", y="S"),
    same("torch.inner(x, y)", x="C S", y="B S"),
    same("torch.kron(x, y)", x="2 3", y="3 2"),
    same("torch.cross(x, y, dim=-1)", x="B 3", y="B 3"),
    same("torch.cross(x, y)", x="3 3", y="3 3", note="the default axis"),
    same("torch.addmm(a, x, y)", a="C C", x="C S", y="S C"),
    same("torch.addmm(a, x, y, beta=0.3, alpha=0.7)", a="C C", x="C S", y="S C"),
    same("torch.baddbmm(a, x, y, beta=0.3, alpha=0.7)", a="B C C", x="B C S", y="B S C"),
    same("torch.tensordot(x, y, 1)", x="B C S", y="S C"),
    pair("torch.tensordot(x, y, ([1], [0]))", "paddle.tensordot(x, y, ([1], [0]))", x="B C S", y="C 3"),
    same("torch.einsum('bcs,bsd->bcd', x, y)", x="B C S", y="B S 3"),
    same("torch.einsum('bcs->bs', x)", x="B C S"),
    same("torch.einsum('bii->b', x)", **SQUARE),
    same("torch.einsum('...cs,...sd->...cd', x, y)", x="B C S", y="B S 3"),
    same("torch.einsum('bchw,cd->bdhw', x, y)", x="B C S S", y="C 3"),
    same("torch.einsum('i,j->ij', x, y)", x="C", y="S"),
    same("torch.linalg.inv(x)", **DEFINITE),
    same("torch.inverse(x)", **DEFINITE),
    same("torch.linalg.det(x)", **DEFINITE),
    same("torch.linalg.slogdet(x)", **DEFINITE),
    same("torch.linalg.cholesky(x)", **DEFINITE),
    same("torch.linalg.solve(x, y)", x="definite: B 4 4", y="B 4 3"),
    same("torch.linalg.pinv(x)", x="B C 3"),
    same("torch.linalg.qr(x)", x="B 4 3"),
    same("torch.linalg.svdvals(x)", x="B 4 3"),
    same("torch.linalg.eigvalsh(x)", **DEFINITE),
    pair("torch.linalg.svd(x, full_matrices=False)[1]", "paddle.linalg.svd(x, full_matrices=False)[1]", x="B 4 3"),
    same("torch.linalg.matrix_power(x, 3)", **SQUARE),
    same("torch.linalg.multi_dot([x, y, x])", x="C S", y="S C"),
    same("torch.linalg.cond(x)", **DEFINITE),
    same("torch.linalg.matrix_rank(x)", x="ties: 40 2 2 fixed", timed=False),
    pair("torch.linalg.lstsq(x, y).solution", "paddle.linalg.lstsq(x, y)[0]", x="5 3", y="5 2"),
    pair("torch.linalg.solve_triangular(x, y, upper=True)", "paddle.linalg.triangular_solve(x, y)", x="definite: B 4 4", y="B 4 3"),
    same("torch.matrix_exp(x)", **SQUARE, instead="paddle.linalg.matrix_exp(x)"),
    same("torch.trace(x)", x="C C"),
    same("torch.cdist(x, y)", x="B C S", y="B 3 S"),
    same("torch.cdist(x, y, p=1.0)", x="B C S", y="B 3 S", rule=of_differences("torch.linalg.vector_norm(x[:, :, None] - y[:, None], 1.0, -1)")),
    same("torch.cdist(x, y, p=3.0)", x="B C S", y="B 3 S", rule=of_differences("torch.linalg.vector_norm(x[:, :, None] - y[:, None], 3.0, -1)")),
    same("torch.pdist(x)", x="5 S"),
    same("torch.dist(x, y)", x="B C", y="B C"),
    same("torch.dist(x, y, 3)", x="B C", y="B C", rule=of_differences("torch.linalg.vector_norm(x - y, 3)")),
    same("torch.renorm(x, 2, 0, 0.5)", x="B C"),
    pair("torch.block_diag(x, y)", "paddle.block_diag([x, y])", x="2 3", y="3 2"),
    same("torch.vander(x)", x="C fixed"),
    same("torch.linalg.vecdot(x, y)", x="B C", y="B C"),
)
