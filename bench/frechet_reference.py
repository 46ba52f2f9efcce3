"""Times the Frechet distance of pytorch-fid on features in files, and prints one JSON line.

usage: python bench/frechet_reference.py A B DIMS    (float32, row by row; needs pytorch-fid)
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from pytorch_fid.fid_score import calculate_frechet_distance


def statistics(path, dims):
    # pytorch-fid collects features in an array of doubles.
    features = np.fromfile(path, dtype=np.float32).reshape(-1, dims).astype(np.float64)
    start = time.perf_counter()
    mean, covariance = np.mean(features, axis=0), np.cov(features, rowvar=False)
    return time.perf_counter() - start, mean, covariance


dims = int(sys.argv[3])
seconds_a, *a = statistics(sys.argv[1], dims)
seconds_b, *b = statistics(sys.argv[2], dims)
start = time.perf_counter()
distance = calculate_frechet_distance(*a, *b)
print(
    json.dumps(
        {
            "implementation": f"pytorch-fid {version('pytorch-fid')}, scipy {version('scipy')}",
            "statistics": seconds_a + seconds_b,
            "distance": time.perf_counter() - start,
            "value": float(distance),
        }
    )
)
