"""Times pytorch-fid's feature extraction on this machine; features.mjs runs it.

usage: features_reference.py DIR

DIR holds files.json, a list of images. Weights come from the formula of features.mjs; batch size and workers are
pytorch-fid's defaults. Writes the features to DIR/theirs.f32 and prints one JSON line.
"""
import json, math, os, resource, sys, time
import numpy as np
import torch
import pytorch_fid.inception as inception
from pytorch_fid.fid_score import get_activations


def uniform(seed, count):
    mask = np.uint64(0xFFFFFFFF)
    a = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & mask
    t = ((a ^ (a >> np.uint64(15))) * (a | np.uint64(1))) & mask
    t = ((t + (((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & mask)) & mask) ^ t
    return ((t ^ (t >> np.uint64(14))) & mask) / 2**32


def formula(network):
    state = network.state_dict()
    names = sorted(n for n in state if not n.endswith("num_batches_tracked") and not n.startswith("fc."))
    for k, name in enumerate(names):
        shape = state[name].shape
        if len(shape) > 1:
            scale, shift = math.sqrt(6 / math.prod(shape[1:])), 0
        elif name.endswith((".bn.weight", ".running_var")):
            scale, shift = 0.5, 1
        else:
            scale, shift = 0.1, 0
        values = scale * (2 * uniform(k * 7919, math.prod(shape)) - 1) + shift
        state[name] = torch.from_numpy(values.astype(np.float32).reshape(shape))
    return state


folder = sys.argv[1]
with open(os.path.join(folder, "files.json")) as f:
    files = json.load(f)
# Instead of a download, the network keeps the weights of the formula.
made = {}
load = torch.nn.Module.load_state_dict
inception.load_state_dict_from_url = lambda *_, **__: made
torch.nn.Module.load_state_dict = lambda self, *args, **kwargs: load(self, formula(self))
model = inception.InceptionV3([3])
torch.nn.Module.load_state_dict = load

def processors_time():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


start, used = time.perf_counter(), processors_time()
features = get_activations(files, model, num_workers=min(8, len(os.sched_getaffinity(0))))
seconds, used = time.perf_counter() - start, processors_time() - used
features.astype(np.float32).tofile(os.path.join(folder, "theirs.f32"))
print(json.dumps({"implementation": "pytorch-fid, PyTorch " + torch.__version__, "seconds": seconds, "cpuSeconds": used,
                  "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
