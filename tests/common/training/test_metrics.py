"""Metrics are scikit-learn's where it has them, and defined where it has not."""

import numpy as np
import pytest

from common.training.metrics import ConfusionMatrix, RunningMean, TopKError

sklearn_metrics = pytest.importorskip("sklearn.metrics")


def updated(metric, logits, labels, *, batch=7):
    for at in range(0, len(labels), batch):
        metric.update(logits[at : at + batch], labels[at : at + batch])
    return metric


@pytest.fixture(params=[2, 3, 5, 12])
def sample(request):
    rng = np.random.default_rng(request.param)
    return rng.standard_normal((200, request.param)), rng.integers(request.param, size=200)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_error_rates_are_scikit_learns(sample, k):
    logits, labels = sample
    classes = logits.shape[1]
    metric = updated(TopKError(k), logits, labels)
    if k >= classes:
        assert metric.value == 0
    else:
        scores = logits if classes > 2 else logits[:, 1] - logits[:, 0]
        accuracy = sklearn_metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(classes))
        assert metric.value == pytest.approx(1 - accuracy)
        assert updated(TopKError(k), logits, (labels + 1) % classes).value != metric.value


def test_the_confusion_matrix_is_scikit_learns(sample):
    logits, labels = sample
    classes = logits.shape[1]
    metric = updated(ConfusionMatrix(classes), logits, labels)
    predictions = logits.argmax(axis=1)
    expected = sklearn_metrics.confusion_matrix(labels, predictions, labels=range(classes))
    assert np.array_equal(metric.counts, expected)
    named = {"labels": range(classes), "average": None, "zero_division": np.nan}
    assert metric.precision() == pytest.approx(
        sklearn_metrics.precision_score(labels, predictions, **named).tolist()
    )
    assert metric.recall() == pytest.approx(
        sklearn_metrics.recall_score(labels, predictions, **named).tolist()
    )


def test_absent_and_never_predicted_classes_have_no_rate():
    logits = np.eye(3)[[0, 0, 1, 1]]
    metric = updated(ConfusionMatrix(3), logits, np.array([0, 0, 0, 2]))
    assert metric.recall() == [pytest.approx(2 / 3), None, 0]
    assert metric.precision() == [1, 0, None]


def test_between_equal_logits_the_first_class_ranks_first():
    logits = np.zeros((4, 4))
    labels = np.arange(4)
    assert [updated(TopKError(k), logits, labels).value for k in (1, 2, 3, 4)] == [0.75, 0.5, 0.25, 0]
    assert np.array_equal(updated(ConfusionMatrix(4), logits, labels).counts[:, 0], [1, 1, 1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_count_as_wrong_and_are_reported(bad):
    logits = np.eye(3)
    logits[1, 0] = bad
    top, confusion = (
        updated(TopKError(1), logits, np.arange(3)),
        updated(ConfusionMatrix(3), logits, np.arange(3)),
    )
    assert (top.value, top.not_finite) == (pytest.approx(1 / 3), 1)
    assert (confusion.counts.sum(), confusion.not_finite) == (2, 1)
    assert updated(TopKError(5), logits, np.arange(3)).value == pytest.approx(1 / 3)


def test_means_over_batches_of_unequal_sizes():
    mean = RunningMean()
    assert mean.value is TopKError(1).value is None
    values = np.random.default_rng(0).random(100)
    for start, end in ((0, 64), (64, 96), (96, 100)):
        mean.update(float(values[start:end].mean()), end - start)
    assert mean.value == pytest.approx(values.mean())
