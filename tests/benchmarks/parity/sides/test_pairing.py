"""What is paired with what, from descriptions alone."""

import pytest

from benchmarks.parity.sides.alignment import align
from benchmarks.parity.sides.pairing import pair_parameters
from benchmarks.parity.sides.proposal import Unpaired


def side(*parameters, buffers=()):
    """A description of (name, shape, type); the layer is what is before the last dot."""

    def entry(name, shape, kind):
        layer = name.rpartition(".")[0] or "model"
        return {"name": name, "shape": list(shape), "layer": layer, "type": kind, "trainable": True}

    return {"parameters": [entry(*one) for one in parameters], "buffers": [entry(*one) for one in buffers]}


def linear(name, outputs, inputs, kind="Linear"):
    return (f"{name}.weight", (outputs, inputs), kind), (f"{name}.bias", (outputs,), kind)


def names(pairing):
    return {ours: theirs[0] if len(theirs) == 1 else theirs for ours, theirs in pairing.parameters.items()}


def refused(ours, theirs, **options):
    with pytest.raises(Unpaired) as refusal:
        pair_parameters(ours, theirs, **options)
    return refusal.value


class TestKinds:
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (("n.weight", (8,), "BatchNorm2d"), ("m.weight", (8,), "SyncBatchNorm")),
            (("n.weight", (8,), "BatchNorm1d"), ("m.weight", (8,), "BatchNorm2d")),
            (("n.weight", (8,), "InstanceNorm2d"), ("m.scale", (8,), "InstanceNorm2d")),
            (("n.weight", (8,), "PReLU"), ("m._weight", (8,), "PReLU")),
            (("n.weight", (8, 6, 6), "LayerNorm"), ("m.weight", (288,), "LayerNorm")),
            (("n.bias", (8,), "Bilinear"), ("m.bias", (1, 8), "Bilinear")),
            (("n.weight", (8,), "LayerNorm"), ("m.gamma", (8,), "Module")),
            (("n.parametrizations.weight.original", (8, 4), "Linear"), ("m.weight_orig", (8, 4), "Linear")),
            (("n.parametrizations.weight.original0", (8, 1), "Linear"), ("m.weight_g", (8,), "Linear")),
            (("n.parametrizations.weight.original1", (8, 8), "Linear"), ("m.weight_v", (8, 8), "Linear")),
            (("token", (1, 8), "Module"), ("class_token", (1, 8), "Module")),
        ],
    )
    def test_one_kind_under_two_words(self, ours, theirs):
        assert names(pair_parameters(side(ours), side(theirs))) == {ours[0]: theirs[0]}

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (("n.weight", (8,), "BatchNorm2d"), ("m.weight", (8,), "GroupNorm")),
            (("n.weight", (8,), "BatchNorm2d"), ("m.bias", (8,), "BatchNorm2d")),
            (("n.weight", (8,), "LayerNorm"), ("m.beta", (8,), "Module")),
            (("n.weight", (8, 6, 6), "GroupNorm"), ("m.weight", (288,), "GroupNorm")),
            (("n.weight", (8, 4), "Linear"), ("m.weight", (4, 8), "Linear")),
            (("n.weight", (8, 4), "Embedding"), ("m.weight", (4, 8), "Module")),
        ],
    )
    def test_two_kinds_or_roles_are_not_paired_by_order(self, ours, theirs):
        error = refused(side(ours), side(theirs))
        assert (error.torch, error.paddle) == (ours[0], theirs[0])
        assert not error.broken  # as many numbers: a map may say that it is meant

    def test_equal_names_of_two_kinds_are_paired_and_doubted(self):
        pairing = pair_parameters(
            side(("n.weight", (8,), "BatchNorm2d")), side(("n.weight", (8,), "GroupNorm"))
        )
        assert pairing.warnings == {"n.weight": "torch's is of BatchNorm2d, paddle's n.weight of GroupNorm"}

    def test_a_matrix_by_hand_is_turned_over_and_a_square_one_looked_at(self):
        pairing = pair_parameters(
            side(*linear("a", 4, 3), *linear("b", 4, 4)),
            side(
                ("a.weight", (3, 4), "Module"),
                ("a.bias", (4,), "Module"),
                ("b.weight", (4, 4), "Module"),
                ("b.bias", (4,), "Module"),
            ),
        )
        assert [link.transpose for link in pairing.links] == [True, False, False, False]
        (square,) = pairing.squares
        assert (square.side, square.layer, square.parameter) == ("paddle", "b", "b.weight")
        assert pairing.settled(square, is_turned=True).links[2].transpose
        assert not pairing.settled(square, is_turned=False).links[2].transpose
        assert "b.weight" not in pairing.settled(square, is_turned=False).warnings
        assert "taken as it lies" in pairing.settled(square, is_turned=None).warnings["b.weight"]

    def test_a_frameworks_own_square_is_never_looked_at(self):
        pairing = pair_parameters(side(*linear("a", 4, 4)), side(*linear("a", 4, 4)))
        assert (pairing.squares, pairing.warnings) == ((), {})


class TestNamesAndOrder:
    def test_equal_names_in_another_order(self):
        ours, theirs = (
            side(*linear("a", 4, 4), *linear("b", 4, 4)),
            side(*linear("b", 4, 4), *linear("a", 4, 4)),
        )
        pairing = pair_parameters(ours, theirs)
        assert pairing.method == "by name"
        assert all(ours == theirs for ours, theirs in names(pairing).items())

    def test_equal_names_inside_another_layer(self):
        ours = side(*linear("a", 4, 4), *linear("b", 4, 4))
        theirs = side(*linear("net.body.b", 4, 4), *linear("net.body.a", 4, 4))
        pairing = pair_parameters(ours, theirs)
        assert pairing.method == "by name, but for what is around all layers"
        assert names(pairing)["a.weight"] == "net.body.a.weight"

    def test_other_names_in_order(self):
        pairing = pair_parameters(
            side(*linear("features.0", 4, 3), *linear("head", 5, 4)),
            side(*linear("stem", 4, 3), *linear("out", 5, 4)),
        )
        assert pairing.method == "by definition order"
        assert pairing.as_map() == {
            "features.0.weight": "stem.weight",
            "features.0.bias": "stem.bias",
            "head.weight": "out.weight",
            "head.bias": "out.bias",
        }

    def test_some_names_and_the_rest_in_order(self):
        pairing = pair_parameters(
            side(*linear("a", 4, 4), *linear("b", 4, 4), *linear("head", 5, 4)),
            side(*linear("b", 4, 4), *linear("a", 4, 4), *linear("out", 5, 4)),
        )
        assert pairing.method == "by name, the rest by definition order"
        assert names(pairing)["head.bias"] == "out.bias"

    def test_order_that_equal_names_contradict_is_refused(self):
        """Numbers from 1 and from 0: by name conv1 is conv1, by order conv0, and both would fit."""
        three = [[part for n in names for part in linear(f"conv{n}", 3, 3)] for names in ("123", "012")]
        error = refused(side(*three[0]), side(*three[1]))
        assert "equal names contradict that order" in str(error)
        assert not error.broken

    def test_order_that_the_last_words_of_names_contradict_is_refused(self):
        error = refused(
            side(*linear("x.query", 4, 4), *linear("x.key", 4, 4), *linear("x.out", 4, 4)),
            side(*linear("y.key", 4, 4), *linear("y.query", 4, 4), *linear("last", 4, 4)),
        )
        assert "torch's x.query.weight is paddle's y.key.weight, and by its name y.query.weight" in str(error)
        assert error.proposal["x.key.bias"] == "y.key.bias"
        assert error.proposal["x.out.weight"] == "last.weight"

    def test_numbers_are_places_and_contradict_nothing(self):
        pairing = pair_parameters(
            side(*linear("f.0", 4, 4), *linear("f.3", 4, 4)), side(*linear("g.3", 4, 4), *linear("g.5", 4, 4))
        )
        assert names(pairing)["f.3.weight"] == "g.5.weight"


class TestSizes:
    @pytest.mark.parametrize("name", ["head", "out"])
    def test_ten_classes_and_eleven_are_a_broken_parity(self, name):
        error = refused(
            side(*linear("a", 4, 3), *linear("head", 10, 4)), side(*linear("a", 4, 3), *linear(name, 11, 4))
        )
        assert error.broken
        assert "head.weight (10, 4) of Linear" in str(error)
        assert f"{name}.weight (11, 4) of Linear" in str(error)

    def test_a_layer_more_is_a_broken_parity(self):
        error = refused(
            side(*linear("a", 4, 4), *linear("b", 4, 4)),
            side(*linear("a", 4, 4), *linear("b", 4, 4), *linear("c", 4, 4)),
        )
        assert (error.broken, error.torch, error.paddle) == (True, None, "c.weight")

    def test_equal_names_and_another_kernel_are_a_broken_parity(self):
        error = refused(
            side(("a.weight", (4, 4, 1, 3), "Conv2d")), side(("a.weight", (4, 4, 3, 1), "Conv2d"))
        )
        assert error.broken

    def test_as_many_numbers_in_other_pieces_can_be_mapped_and_a_map_is_proposed(self):
        error = refused(
            side(*linear("qkv", 12, 4), *linear("out", 4, 4)),
            side(*(part for name in "qkv" for part in linear(name, 4, 4)), *linear("out", 4, 4)),
        )
        assert not error.broken
        assert error.proposal == {
            "qkv.weight": ["q.weight", "k.weight", "v.weight"],
            "qkv.bias": ["q.bias", "k.bias", "v.bias"],
            "out.weight": "out.weight",
            "out.bias": "out.bias",
        }

    def test_a_linear_layer_for_a_convolution_is_proposed_as_a_reshape(self):
        error = refused(side(("a.weight", (5, 8), "Linear")), side(("a.weight", (5, 8, 1, 1), "Conv2d")))
        assert not error.broken
        assert error.proposal == {"a.weight": {"name": "a.weight", "reshape": [5, 8]}}


ATTENTION = "MultiheadAttention"
PACKED = side(
    ("attn.in_proj_weight", (12, 4), ATTENTION),
    ("attn.in_proj_bias", (12,), ATTENTION),
    *linear("attn.out_proj", 4, 4),
)
APART = side(*(part for name in ("q", "k", "v", "out") for part in linear(f"self_attn.{name}_proj", 4, 4)))
QUERY, KEY, VALUE = (f"self_attn.{name}_proj.weight" for name in "qkv")


class TestMaps:
    def test_attention_needs_none(self):
        assert names(pair_parameters(PACKED, APART))["attn.in_proj_weight"] == (QUERY, KEY, VALUE)
        back = pair_parameters(APART, PACKED)
        assert names(back)[KEY] == "attn.in_proj_weight"
        assert [len(link.ours) for link in back.links] == [3, 3, 1, 1]

    def test_attention_whose_keys_have_another_size(self):
        """Torch then keeps three weights and packs their biases alone."""
        sizes = {"attn.q_proj": 4, "attn.k_proj": 3, "attn.v_proj": 2}
        ours = side(
            *((f"{name}_weight", (4, size), ATTENTION) for name, size in sizes.items()),
            ("attn.in_proj_bias", (12,), ATTENTION),
            *linear("attn.out_proj", 4, 4),
        )
        theirs = side(
            *(part for name, size in sizes.items() for part in linear(name, 4, size)),
            *linear("attn.out_proj", 4, 4),
        )
        pairing = pair_parameters(ours, theirs)
        assert (pairing.method, pairing.warnings) == ("by name", {})
        assert names(pairing)["attn.k_proj_weight"] == "attn.k_proj.weight"
        assert len(names(pairing)["attn.in_proj_bias"]) == 3

    def test_attention_of_another_size_names_what_is_there(self):
        wide = side(*(part for name in ("q", "k", "v", "out") for part in linear(f"attn.{name}_proj", 8, 8)))
        error = refused(PACKED, wide)
        assert error.broken
        assert "attn.q_proj.weight + attn.k_proj.weight + attn.v_proj.weight (24, 8)" in str(error)

    def test_attention_that_is_described_as_one_layer(self):
        """In that its linear layers have the layer and the type of the whole."""

        def whole(described, layer):
            entries = [entry | {"layer": layer, "type": ATTENTION} for entry in described["parameters"]]
            return {**described, "parameters": entries}

        ours, theirs = whole(PACKED, "attn"), whole(APART, "self_attn")
        for options in ({}, {"names": {"attn": "self_attn"}}):
            pairing = pair_parameters(ours, theirs, **options)
            assert names(pairing)["attn.in_proj_weight"] == (QUERY, KEY, VALUE)
            assert pairing.layers == {"attn": "self_attn"}
            assert pairing.apart == {"torch": frozenset(), "paddle": frozenset()}
        by_hand = pair_parameters(APART, whole(PACKED, "attn"))
        assert (len(by_hand.links), by_hand.warnings) == (4, {})

    def test_a_layer_of_attention(self):
        pairing = pair_parameters(PACKED, APART, names={"attn": "self_attn"})
        assert (pairing.method, len(pairing.links)) == ("by the map", 4)

    def test_a_map_can_say_another_order(self):
        pairing = pair_parameters(PACKED, APART, names={"attn.in_proj_weight": [VALUE, KEY, QUERY]})
        assert names(pairing)["attn.in_proj_weight"] == (VALUE, KEY, QUERY)
        assert names(pairing)["attn.in_proj_bias"][0] == "self_attn.q_proj.bias"

    def test_layers_are_stacked_with_all_that_they_hold(self):
        ours = side(*linear("qkv", 12, 4))
        theirs = side(*(part for name in "qkv" for part in linear(name, 4, 4)))
        assert names(pair_parameters(ours, theirs, names={"qkv": ["q", "k", "v"]})) == {
            "qkv.weight": ("q.weight", "k.weight", "v.weight"),
            "qkv.bias": ("q.bias", "k.bias", "v.bias"),
        }
        back = pair_parameters(theirs, ours, names={"q,k,v": "qkv"})
        assert names(back)["v.bias"] == "qkv.bias"

    def test_layers_that_are_stacked_have_no_counterpart(self):
        ours = side(*linear("qkv", 12, 4), *linear("out", 4, 4))
        theirs = side(*(part for name in "qkv" for part in linear(name, 4, 4)), *linear("out", 4, 4))
        pairing = pair_parameters(ours, theirs, names={"qkv": ["q", "k", "v"]})
        assert (pairing.layers, pairing.apart["torch"]) == ({"out": "out"}, {"qkv"})
        calls = [
            [{"call": name, "name": name, "base": "Linear", "inputs": 1} for name in side]
            for side in (("qkv", "out"), ("q", "k", "v", "out"))
        ]
        matches = align(*calls, layers=pairing.layers, apart=pairing.apart)
        assert [match.name for match in matches if match.both] == ["out"]
        assert len(matches) == 5
        alike = align(*calls, layers=pairing.layers)  # by order and type, the two would be compared
        assert [match.name for match in alike if match.both] == ["qkv", "out"]

    def test_spare_parts_are_left_out(self):
        ours = side(
            *linear("a", 4, 4), *linear("aux.fc", 5, 4), buffers=[("aux.n.running_mean", (4,), "BatchNorm2d")]
        )
        theirs = side(*linear("b", 4, 4), *linear("more", 7, 4))
        pairing = pair_parameters(ours, theirs, names={"aux": None, "null": ["more"]})
        assert pairing.left_out == {
            "torch": ("aux.fc.weight", "aux.fc.bias"),
            "paddle": ("more.weight", "more.bias"),
        }
        assert names(pairing) == {"a.weight": "b.weight", "a.bias": "b.bias"}
        assert pairing.as_map()["aux.fc.bias"] is None
        assert pairing.as_map()["null"] == ["more.weight", "more.bias"]

    def test_a_reshape_is_asked_for(self):
        ours, theirs = side(("a.weight", (5, 8), "Linear")), side(("b.weight", (5, 8, 1, 1), "Conv2d"))
        asked = {"a.weight": {"name": "b.weight", "reshape": [5, 8]}}
        pairing = pair_parameters(ours, theirs, names=asked)
        assert pairing.as_map() == asked
        assert pairing.layers == {}  # their outputs have other shapes
        error = refused(ours, theirs, names={"a.weight": "b.weight"})
        assert not error.broken
        assert "a.weight (5, 8), b.weight (5, 8, 1, 1) have other shapes" in str(error)

    @pytest.mark.parametrize(
        ("line", "message", "broken"),
        [
            ({"a": "z"}, "names z, which paddle's model has not", False),
            ({"z.weight": "a.weight"}, "names z.weight, which torch's model has not", False),
            ({"null": ["z"]}, "names z, which paddle's model has not", False),
            ({"a": "n"}, "has a.weight and a.bias and paddle's model has n.weight", False),
            (
                {"a.weight": ["a.weight", "a.bias"]},
                r"a.weight \(4, 3\) \+ a.bias \(4,\) cannot be stacked",
                True,
            ),
            ({"a.weight": ["a.weight", "n.weight"]}, "does not have as many numbers|cannot be stacked", True),
            ({"a.weight": {"name": "a.weight", "reshape": [3, 4]}}, r"reshaped to \(3, 4\)", False),
            ({"a.weight": {"name": "n.weight", "transpose": True}}, "has not two axes", True),
            ({"a": "a", "a.bias": None}, "torch's a.bias in two lines", False),
            ({"a.bias": "a.bias", "n.weight": "a.bias"}, "paddle's a.bias in two lines", False),
        ],
    )
    def test_a_wrong_map_is_one_line(self, line, message, broken):
        both = side(*linear("a", 4, 3), ("n.weight", (4,), "PReLU"))
        with pytest.raises(Unpaired, match=message) as refusal:
            pair_parameters(both, both, names=line)
        assert refusal.value.broken == broken


class TestBuffers:
    def test_they_follow_their_layer_or_their_order(self):
        norm = ("running_mean", "running_var")
        ours = side(
            ("a.weight", (4,), "BatchNorm2d"),
            buffers=[(f"{layer}.{name}", (4,), "BatchNorm2d") for layer in ("a", "bare") for name in norm],
        )
        theirs = side(
            ("b.weight", (4,), "BatchNorm2d"),
            buffers=[(f"{layer}.{name}", (4,), "BatchNorm2d") for layer in ("plain", "b") for name in norm],
        )
        assert pair_parameters(ours, theirs).buffers == {
            "a.running_mean": "b.running_mean",
            "a.running_var": "b.running_var",
            "bare.running_mean": "plain.running_mean",
            "bare.running_var": "plain.running_var",
        }

    def test_a_map_can_name_them(self):
        ours = side(*linear("a", 4, 4), buffers=[("mask", (4,), "Module"), ("other", (4,), "Module")])
        theirs = side(*linear("a", 4, 4), buffers=[("other", (4,), "Module"), ("causal", (4,), "Module")])
        pairing = pair_parameters(ours, theirs, names={"mask": "causal"})
        assert pairing.buffers == {"mask": "causal", "other": "other"}
