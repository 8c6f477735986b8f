"""Attention, transformers, recurrent layers and embeddings."""

from benchmarks.atlas.cases.case import Rule, family, layer, pair, same

TOKENS = {"x": "B 5 4"}
HEADS = {"q": "B 2 5 4", "k": "B 2 6 4", "v": "B 2 6 4"}
STEPS = {"x": "B 5 C"}


def turned(call: str) -> str:
    """Paddle's scaled dot product: heads lie behind the steps."""
    parts = call.replace("q, k, v", ", ".join(f"{n}.transpose([0, 2, 1, 3])" for n in "qkv"))
    return f"F.scaled_dot_product_attention({parts}).transpose([0, 2, 1, 3])"


PADDED = "paddle returns zeros at padding_idx, torch the weight's row"


def zeros(place: str, torch: str) -> Rule:
    """Paddle's rule of an embedding's padding, in torch's words."""
    return Rule(torch=f"zeroed({torch}, {place})", sentence=PADDED)


# fmt: off
CASES = family(
    "attention",
    pair("F.scaled_dot_product_attention(q, k, v)", turned("q, k, v"), **HEADS),
    pair("F.scaled_dot_product_attention(q, q, q, is_causal=True)", turned("q, k, v, is_causal=True").replace("k.", "q.").replace("v.", "q."), q="B 2 5 4"),
    pair("F.scaled_dot_product_attention(q, k, v, m)", turned("q, k, v, m"), **HEADS, m="B 2 5 6"),
    pair("F.scaled_dot_product_attention(q, k, v, scale=0.3)", turned("q, k, v, scale=0.3"), **HEADS),
    same("F.scaled_dot_product_attention(q, k, v)", **HEADS, note="paddle takes (batch, steps, heads, size), torch (batch, heads, steps, size)"),
    pair("part(nn.MultiheadAttention(4, 2, batch_first=True), 0)", "nn.MultiHeadAttention(4, 2)", q="B 5 4", k="B 6 4", v="B 6 4"),
    pair("part(nn.MultiheadAttention(4, 2, batch_first=True, bias=False), 0)", "nn.MultiHeadAttention(4, 2, bias_attr=False)", q="B 5 4", k="B 6 4", v="B 6 4"),
    pair("nn.MultiheadAttention(4, 2, batch_first=True)", "nn.MultiHeadAttention(4, 2, need_weights=True)", q="B 5 4", k="B 6 4", v="B 6 4", note="torch returns the weights' mean over the heads"),
    pair("part(nn.MultiheadAttention(4, 2), 0)", "nn.MultiHeadAttention(4, 2)", q="5 5 4", k="5 5 4", v="5 5 4", note="torch's first axis are steps unless it is told batch_first, paddle's the batch"),
    pair("nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)", "nn.TransformerEncoderLayer(4, 2, 8, 0.0)", **TOKENS, training=True),
    pair("nn.TransformerEncoderLayer(4, 2, 8, 0.0, 'gelu', batch_first=True)", "nn.TransformerEncoderLayer(4, 2, 8, 0.0, 'gelu')", **TOKENS, training=True),
    pair("nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, norm_first=True)", "nn.TransformerEncoderLayer(4, 2, 8, 0.0, normalize_before=True)", **TOKENS, training=True),
    pair("nn.TransformerDecoderLayer(4, 2, 8, 0.0, batch_first=True)", "nn.TransformerDecoderLayer(4, 2, 8, 0.0)", x="B 5 4", m="B 6 4", training=True),
    pair("nn.LSTM(C, 3, batch_first=True)", "nn.LSTM(C, 3)", **STEPS, training=True),
    pair("nn.LSTM(C, 3, num_layers=2, batch_first=True)", "nn.LSTM(C, 3, 2)", **STEPS, training=True),
    pair("nn.LSTM(C, 3, batch_first=True, bidirectional=True)", "nn.LSTM(C, 3, direction='bidirect')", **STEPS, training=True),
    pair("nn.LSTM(C, 3, 2, batch_first=True, bidirectional=True)", "nn.LSTM(C, 3, 2, direction='bidirect')", **STEPS, training=True),
    pair("nn.LSTM(C, 3)", "nn.LSTM(C, 3, time_major=True)", x="5 B C", training=True),
    same("nn.LSTM(C, 3)", x="B 5 C", training=True, note="torch's first axis are steps, paddle's the batch"),
    pair("nn.LSTM(C, 3, batch_first=True)", "nn.LSTM(C, 3)", **STEPS, note="in evaluation paddle has no gradient"),
    pair("nn.LSTM(C, 3, batch_first=True, proj_size=2)", "nn.LSTM(C, 3, proj_size=2)", **STEPS, training=True),
    pair("nn.GRU(C, 3, batch_first=True)", "nn.GRU(C, 3)", **STEPS, training=True),
    pair("nn.GRU(C, 3, 2, batch_first=True, bidirectional=True)", "nn.GRU(C, 3, 2, direction='bidirect')", **STEPS, training=True),
    pair("nn.RNN(C, 3, batch_first=True)", "nn.SimpleRNN(C, 3)", **STEPS, training=True),
    pair("nn.RNN(C, 3, nonlinearity='relu', batch_first=True)", "nn.SimpleRNN(C, 3, activation='relu')", **STEPS, training=True),
    pair("nn.LSTMCell(C, 3)", "part(nn.LSTMCell(C, 3), 1)", x="B C", note="paddle returns the output apart from the states"),
    pair("nn.GRUCell(C, 3)", "part(nn.GRUCell(C, 3), 1)", x="B C"),
    pair("nn.RNNCell(C, 3)", "part(nn.SimpleRNNCell(C, 3), 1)", x="B C"),
    same("nn.Embedding(10, C)", i="labels 10: B 5"),
    same("nn.Embedding(10, C, padding_idx=3)", i="labels 10: B 40", rule=zeros("3", "nn.Embedding(10, C, padding_idx=3)")),
    same("nn.Embedding(10, C, padding_idx=-2)", i="labels 10: B 40", rule=zeros("8", "nn.Embedding(10, C, padding_idx=-2)")),
    same("F.embedding(i, w)", i="labels 10: B 5", w="10 C"),
    same("F.embedding(i, w, padding_idx=2)", i="labels 10: B 40", w="10 C", rule=Rule(torch="F.embedding(i, w, padding_idx=2) * (i != 2).unsqueeze(-1)", sentence=PADDED)),
    same("F.one_hot(i, 10)", i="labels 10: B 5"),
    pair("F.one_hot(i)", "F.one_hot(i, -1)", i="labels 10: B 5"),
    same("nn.EmbeddingBag(10, C)", i="labels 10: B 5"),
    pair("nn.Linear(S, 3)", "nn.Linear(S, 3)", x="B S"),
    layer("nn.Linear(S, 3, bias=False)", x="B S"),
    pair("nn.Linear(S, 3)", "paddle.compat.nn.Linear(S, 3)", x="B S"),
    pair("nn.Linear(S, S)", "nn.Linear(S, S)", x="B C S", note="a square weight"),
    pair("F.linear(x, w)", "F.linear(x, w.transpose([1, 0]))", x="B S", w="3 S"),
    same("F.linear(x, w)", x="B S", w="S S", note="paddle's weight lies the other way round"),
    pair("F.linear(x, w, b)", "F.linear(x, w.t(), b)", x="B S", w="3 S", b="3"),
    pair("nn.Bilinear(4, 5, 3)", "nn.Bilinear(4, 5, 3)", x="B 4", y="B 5"),
    same("F.bilinear(x, y, w)", x="B 4", y="B 5", w="3 4 5"),
    same("nn.Flatten()", x="B C S S"),
    pair("nn.Unflatten(1, (2, 2))", "nn.Unflatten(1, (2, 2))", x="B 4 S"),
    same("nn.Identity()", x="B C S"),
    same("nn.CosineSimilarity()", x="B S", y="B S"),
    pair("F.cosine_similarity(x, y)", "F.cosine_similarity(x, y)", x="B C S", y="B C S"),
    pair("F.pairwise_distance(x, y)", "F.pairwise_distance(x, y)", x="B S", y="B S"),
    same("nn.PairwiseDistance(3.0)", x="B S", y="B S", rule=Rule(torch="torch.linalg.vector_norm(x - y + 1e-6, 3.0, 1)", sentence="the p-norm of the differences")),
)
