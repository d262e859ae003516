# SPDX-License-Identifier: Apache-2.0
"""The peer of linking: Splink on DuckDB, set up as somebody would who knows it.

One row for each subject. Kinds of which a report states several values are lists, compared by whether they intersect
and blocked on with the lists taken apart; the others are exact matches with term-frequency adjustments. Values that
very many share block nothing and, in lists, are left out: Splink would have to score billions of pairs for them. u by
random sampling, m by expectation maximisation over two blockings, then predict, then cluster at a threshold.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from linking_world import scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from linking_world import Ints, World

# By kind: values shared by at most so many subjects are used.
LISTS = {"email": 4096, "phone": 4096, "endpoint": 64, "address": 16, "network": 16, "file": 32}
SINGLE = {"account": 8192, "device": 64, "payment": 4096, "profile-url": 4096, "handle": 64, "any-handle": 64}
COMMON = ("handle", "any-handle")
THRESHOLDS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.2)
_THREADS = 2
_SAMPLED = 1e7  # pairs for u


def table(world: World) -> pa.Table:
    """Return the world as a Splink user has it: a row for each subject."""
    n = len(world.truth)
    count = np.bincount(np.unique(world.identifier * n + world.subject) // n, minlength=len(world.kind))
    columns: dict[str, Any] = {"unique_id": pa.array(np.arange(n))}
    for kind, at_most in LISTS.items():
        who, what = world.of_kind(kind)
        seldom = count[what] <= at_most
        pair = np.unique(who[seldom] * len(world.kind) + what[seldom])
        who, what = pair // len(world.kind), pair % len(world.kind)
        starts = np.searchsorted(who, np.arange(n + 1)).astype(np.int32)
        nothing = pa.array(starts[1:] == starts[:-1])
        columns[kind] = pa.ListArray.from_arrays(pa.array(starts), pa.array(what), mask=nothing)
    for kind, at_most in SINGLE.items():
        who, what = world.of_kind(kind)
        value: Ints = np.full(n, -1)
        value[who] = what
        columns[_name(kind)] = pa.array(value, mask=value < 0)
        if kind in COMMON:
            columns["block_" + _name(kind)] = pa.array(value, mask=(value < 0) | (count[value] > at_most))
    return pa.table(columns)


def _name(kind: str) -> str:
    return kind.replace("-", "_")


def link(rows: pa.Table, truth: Ints, thresholds: Sequence[float] = THRESHOLDS) -> dict[str, Any]:
    """Return the best scores over the thresholds and the time of one run (training, prediction, one clustering)."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    connection = duckdb.connect()
    connection.execute(f"SET threads = {_THREADS}")
    began, processor = time.perf_counter(), time.process_time()

    def shared(column: str) -> cl.CustomComparison:
        return cl.CustomComparison(
            output_column_name=column,
            comparison_levels=[cll.NullLevel(column), cll.ArrayIntersectLevel(column, 1), cll.ElseLevel()],
        )

    def equal(column: str) -> Any:  # noqa: ANN401 - Splink's own
        return cl.ExactMatch(column).configure(term_frequency_adjustments=True)

    names = cl.CustomComparison(
        output_column_name="names",
        comparison_levels=[
            cll.NullLevel("any_handle"),
            cll.ExactMatchLevel("handle", term_frequency_adjustments=True),
            cll.ExactMatchLevel("any_handle", term_frequency_adjustments=True),
            cll.ElseLevel(),
        ],
    )
    accounts = cl.CustomComparison(
        output_column_name="accounts",
        comparison_levels=[
            cll.NullLevel("account"),
            cll.ExactMatchLevel("account", term_frequency_adjustments=True),
            cll.ExactMatchLevel("profile_url", term_frequency_adjustments=True),
            cll.ElseLevel(),
        ],
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            names,
            accounts,
            *(shared(column) for column in LISTS),
            *(equal(_name(kind)) for kind in SINGLE if kind in {"device", "payment"}),
        ],
        blocking_rules_to_generate_predictions=[
            *(block_on(("block_" if kind in COMMON else "") + _name(kind)) for kind in SINGLE),
            *(
                block_on(column, arrays_to_explode=[column])
                for column in LISTS
                if column not in {"address", "network", "file"}
            ),
            block_on("address", "file", arrays_to_explode=["address", "file"]),
        ],
        retain_matching_columns=False,
        max_iterations=20,
    )
    api = DuckDBAPI(connection)
    linker = Linker(api.register(rows), settings, log_level=logging.ERROR)
    by_account, by_device = block_on("account"), block_on("device")
    linker.training.estimate_probability_two_random_records_match([by_account, by_device], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED, seed=1)
    for rule in (by_account, by_device):  # what one blocks on, the other trains
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=min(thresholds))
    until_clusters, processor_until = time.perf_counter() - began, time.process_time() - processor
    best: dict[str, Any] = {"f1": -1.0}
    for threshold in thresholds:
        started, processor = time.perf_counter(), time.process_time()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_probability=threshold
        )
        clustered, on_it = time.perf_counter() - started, time.process_time() - processor
        found = connection.execute(
            f"SELECT unique_id, cluster_id FROM {clusters.physical_name} ORDER BY unique_id"
        ).fetchnumpy()
        got = scores(truth, np.unique(found["cluster_id"], return_inverse=True)[1])
        if got["f1"] > best["f1"]:
            best = got | {
                "threshold": threshold,
                "seconds": until_clusters + clustered,
                "processor_seconds": processor_until + on_it,
            }
    best["pairs_scored"] = len(predicted.as_duckdbpyrelation())
    connection.close()
    return best
