"""Ratings, endpoints and the crossover replay."""

import numpy as np
import pytest

from rekindle.errors import ParameterError
from rekindle.trials import endpoint, rating_scale, replay_nimh_crossover, true_baseline

# Copied from the summary table that comes with the data: n, mean change, SD of change, responders, remitters.
PUBLISHED = {
    ("ketamine", 2): (12, -7.42, 8.98, 1, 1),
    ("ketamine", 10): (11, -3.45, 10.30, 2, 1),
    ("saline", 2): (12, -2.50, 3.03, 0, 0),
    ("saline", 10): (11, 0.09, 4.13, 0, 0),
}
PAIRED = {2: (10, -3.80, 5.14), 10: (8, -1.00, 6.87)}


@pytest.fixture(scope="module")
def replay():
    return replay_nimh_crossover(replicates=60, seed=3)


def find(replay, arm, day, quantity, scale="MADRS"):
    return next(
        row
        for row in replay.summary
        if (row.arm, row.day, row.scale) == (arm, day, scale) and row.quantity.startswith(quantity)
    )


@pytest.mark.parametrize("visit", PUBLISHED)
def test_observed_values_are_those_of_the_data_set(replay, visit):
    n, mean, sd, responders, remitters = PUBLISHED[visit]
    row = find(replay, *visit, "mean change")
    assert (row.n, round(row.observed, 2)) == (n, mean)
    assert find(replay, *visit, "SD of change").observed == pytest.approx(sd, abs=0.005)
    assert find(replay, *visit, "response").observed == pytest.approx(100 * responders / n)
    assert find(replay, *visit, "remission").observed == pytest.approx(100 * remitters / n)


@pytest.mark.parametrize("day", PAIRED)
def test_paired_differences_are_those_of_the_data_set(replay, day):
    n, mean, sd = PAIRED[day]
    row = find(replay, "ketamine minus saline", day, "mean paired")
    assert (row.n, round(row.observed, 2)) == (n, mean)
    assert find(replay, "ketamine minus saline", day, "SD of paired").observed == pytest.approx(sd, abs=0.005)


def test_everybody_is_accounted_for(replay):
    assert len(replay.patients) == 15
    assert list(replay.left_out) == ["sub-MOA117"]
    assert sum(len(patient.observed) for patient in replay.patients) == 46


def test_thresholds_are_in_the_names(replay):
    names = {row.quantity for row in replay.summary}
    assert {"response (MADRS fall >= 50 %)", "remission (MADRS <= 10)"} <= names


def test_ketamine_is_predicted_to_act_and_to_fade(replay):
    early = find(replay, "ketamine minus saline", 2, "mean paired").predicted
    late = find(replay, "ketamine minus saline", 10, "mean paired").predicted
    assert early < late < 0


def test_what_the_model_generates_it_covers(replay):
    """Scores of one replicate fall inside the 90 % band of the others about nine times in ten."""
    inside = []
    for patient in replay.patients:
        for scores in patient.visits.values():
            low, high = np.quantile(scores, (0.05, 0.95))
            inside.append((scores >= low) & (scores <= high))
    # Whole points make the band a little wide; half a point is what the rounding can add.
    assert 0.88 < np.mean(inside) < 0.97


def test_first_infusions_do_not_know_the_second(replay):
    """Before the second infusion the two orders differ only by drug."""
    one = next(p for p in replay.patients if p.infusions == ("saline", "ketamine"))
    day_ten = one.visits["saline", 10]
    assert np.median(day_ten) > np.median(one.visits["ketamine", 2])


def test_same_seed_same_numbers_at_any_number_of_workers():
    alone = replay_nimh_crossover(replicates=3, seed=8)
    shared = replay_nimh_crossover(replicates=3, seed=8, workers=2)
    assert alone.summary == shared.summary
    more = replay_nimh_crossover(replicates=4, seed=8)
    for one, other in zip(alone.patients, more.patients, strict=True):
        for visit, scores in one.visits.items():
            assert scores.tolist() == other.visits[visit][:3].tolist()


def test_another_seed_gives_other_numbers():
    first, second = (replay_nimh_crossover(replicates=2, seed=seed) for seed in (1, 2))
    assert first.summary != second.summary


def test_one_replicate_has_no_interval():
    with pytest.raises(ParameterError, match="at least 2"):
        replay_nimh_crossover(replicates=1)


def test_rating_error_has_its_size_and_stays_on_the_scale():
    scale = rating_scale("MADRS")
    ratings = scale.rate(np.full(20_000, 30.0), np.random.default_rng(5))
    # Rounding adds a variance of 1/12.
    assert ratings.std() == pytest.approx(np.sqrt(2.4**2 + 1 / 12), rel=0.02)
    assert ratings.mean() == pytest.approx(30.0, abs=0.06)
    edge = scale.rate(np.array([0.0, 60.0] * 500), np.random.default_rng(5))
    assert (edge.min(), edge.max()) == (0.0, 60.0)
    assert np.all(edge == np.round(edge))


def test_people_score_a_little_on_cadss_without_any_drug():
    scale = rating_scale("CADSS")
    ratings = scale.rate(np.zeros((40_000, 2)), np.random.default_rng(2))
    assert np.median(ratings) == 0.0
    # Rounding to whole points adds a variance of 1/12.
    assert ratings[:, 0].mean() == pytest.approx(2.3, rel=0.04)
    assert ratings[:, 0].std() == pytest.approx(2.0 * 2.3, rel=0.05)
    assert np.array_equal(ratings[:, 0], ratings[:, 1]), "the background belongs to the person"


def test_strong_dissociation_drowns_the_background():
    ratings = rating_scale("CADSS").rate(np.full(20_000, 40.0), np.random.default_rng(2))
    assert ratings.mean() == pytest.approx(40.0, abs=0.15)
    assert ratings.std() / ratings.mean() == pytest.approx(0.109, rel=0.04)


def test_true_baseline_shrinks_towards_the_sample():
    scale, generator = rating_scale("MADRS"), np.random.default_rng(7)
    drawn = true_baseline(np.full(20_000, 40.0), scale, generator, mean=32.0, sd=4.8)
    reliability = 1 - 2.4**2 / 4.8**2
    assert drawn.mean() == pytest.approx(32 + reliability * 8, abs=0.06)
    assert drawn.std() == pytest.approx(2.4 * np.sqrt(reliability), rel=0.02)


def test_rating_and_true_baseline_are_consistent():
    """True scores drawn from a sample, rated, and drawn back have the spread of the true scores."""
    generator, scale = np.random.default_rng(9), rating_scale("MADRS")
    truth = generator.normal(32, 4.0, 50_000)
    rated = truth + generator.normal(0, scale.sd, truth.shape)
    back = true_baseline(rated, scale, generator, mean=rated.mean(), sd=rated.std())
    assert back.std() == pytest.approx(truth.std(), rel=0.02)
    assert np.corrcoef(back, truth)[0, 1] == pytest.approx(1 - 2.4**2 / (4.0**2 + 2.4**2), abs=0.02)


def test_endpoints():
    assert endpoint("remission", "MADRS", threshold=12).label == "remission (MADRS <= 12)"
    assert endpoint("response", "HAM-D17").reached([9, 10], [19, 19]).tolist() == [True, False]
    relapse = endpoint("relapse", "MADRS")
    assert relapse.reached([[22], [21], [22], [22]]).tolist() == [True]
    with pytest.raises(ParameterError, match="RK-PAR-061"):
        endpoint("response", "MADRS").reached([10])
    with pytest.raises(ParameterError, match="RK-PAR-062"):
        endpoint("relapse", "HAM-D17")
    with pytest.raises(ParameterError, match='did you mean "MADRS"'):
        rating_scale("MADR")
