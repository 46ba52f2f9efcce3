"""Writes small checkpoints by torch, NumPy and safetensors themselves: what people have, in the forms in which they save it.

    python3 scripts/make_checkpoint_fixtures.py test/fixtures/checkpoints

The weights are those of a tiny generator of variant main; number i of a network is ((37 i + seed) mod 201 - 100) / 64,
which float16 and bfloat16 hold exactly. Tensors are views of one storage, so that the files are small.
Needs torch (2.x; some files are the same with 1.13), numpy and safetensors. fixtures.json says what wrote the files.
"""

import argparse
import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import json
import math
import pathlib
import sys
import types
import uuid
import zipfile

import numpy
import torch

# The script's own classes are pickled under this name, as those of a user's program.
sys.modules["train"] = sys.modules["__main__"]

SHAPES = {
    "mapping.0.weight": (3, 2),
    "mapping.0.bias": (3,),
    "mapping.1.weight": (3, 3),
    "mapping.1.bias": (3,),
    "encoder.stem.0.0.weight": (2, 3, 1, 1),
    "encoder.stem.0.1.bias": (2,),
}
for block in (1, 2):
    at = f"encoder.stem.{block}"
    SHAPES |= {
        f"{at}.conv1.0.weight": (2, 2, 3, 3), f"{at}.conv1.1.bias": (2,), f"{at}.conv2.0.kernel": (4, 4),
        f"{at}.conv2.1.weight": (2, 2, 3, 3), f"{at}.conv2.2.bias": (2,), f"{at}.skip.0.kernel": (4, 4),
        f"{at}.skip.1.weight": (2, 2, 1, 1),
    }
SHAPES |= {
    "encoder.stem.3.conv1.0.weight": (2, 2, 3, 3), "encoder.stem.3.conv1.1.bias": (2,),
    "encoder.stem.3.conv2.0.weight": (2, 2, 3, 3), "encoder.stem.3.conv2.1.bias": (2,),
    "encoder.content.0.0.weight": (2, 2, 1, 1), "encoder.content.0.1.bias": (2,),
    "encoder.content.1.0.weight": (2, 2, 1, 1), "encoder.content.1.1.bias": (2,),
    "encoder.style.0.0.kernel": (4, 4), "encoder.style.0.1.weight": (2, 2, 3, 3), "encoder.style.0.2.bias": (2,),
    "encoder.style.2.weight": (2, 32), "encoder.style.2.bias": (2,),
    "encoder.style.3.weight": (2, 2), "encoder.style.3.bias": (2,),
}


def styled(path, blur=False):
    shapes = {f"{path}.conv.weight": (1, 2, 2, 3, 3)}
    if blur:
        shapes[f"{path}.conv.blur.kernel"] = (4, 4)
    shapes |= {f"{path}.conv.modulation.weight": (2, 3), f"{path}.conv.modulation.bias": (2,), f"{path}.activate.bias": (2,)}
    return shapes


def to_rgb(path, upsample=False):
    shapes = {f"{path}.bias": (1, 3, 1, 1)}
    if upsample:
        shapes[f"{path}.upsample.kernel"] = (4, 4)
    shapes |= {
        f"{path}.conv.weight": (1, 3, 2, 1, 1), f"{path}.conv.modulation.weight": (2, 3),
        f"{path}.conv.modulation.bias": (2,),
    }
    return shapes


SHAPES |= styled("adain_bottleneck.0.conv1") | styled("adain_bottleneck.0.conv2") | styled("conv1") | to_rgb("to_rgb1")
SHAPES |= styled("convs.0", blur=True) | styled("convs.1") | styled("convs.2", blur=True) | styled("convs.3")
SHAPES |= to_rgb("to_rgbs.0", upsample=True) | to_rgb("to_rgbs.1", upsample=True)


def generator(seed=0, dtype=torch.float32, constants=True):
    """A state_dict whose tensors are views of one storage."""
    kernel = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = kernel[None] * kernel[:, None] / 64
    parts, place = [], 0
    for path, shape in SHAPES.items():
        count = math.prod(shape)
        if path.endswith("kernel"):
            part = (kernel * (4 if "blur" in path or "upsample" in path else 1)).flatten()
        else:
            part = ((37 * torch.arange(place, place + count) + seed) % 201 - 100) / 64
            place += count
        parts.append(part)
    flat = torch.cat(parts).to(dtype)
    state, start = collections.OrderedDict(), 0
    for path, shape in SHAPES.items():
        count = math.prod(shape)
        if constants or not path.endswith("kernel"):
            state[path] = flat[start : start + count].view(shape)
        start += count
    return state


class Mode(enum.Enum):
    PAPER = "paper"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Settings:
    lr: float = 0.002
    tags: tuple = ("a", "b")


class Attributes(dict):
    """A dictionary with attributes, as several libraries have one."""


def schedule(step):
    return 0.5 ** (step // 1000)


def wrapped_names(state):
    """DistributedDataParallel around torch.compile, and both around modules inside."""
    names = collections.OrderedDict()
    for path, tensor in state.items():
        path = path.replace("mapping.", "mapping.module.").replace("encoder.", "encoder._orig_mod.module.")
        path = path.replace("convs.0.", "convs.0._checkpoint_wrapped_module.")
        names[f"module._orig_mod.{path}"] = tensor
    return names


def values_beside(modern):
    args = argparse.Namespace(
        lr=numpy.float32(0.002), size=numpy.int64(256), out=pathlib.PurePosixPath("runs/1"), func=schedule,
        started=datetime.datetime(2024, 5, 1, 12, 30, tzinfo=datetime.timezone.utc), mode=Mode.PAPER, level=Level.HIGH,
    )
    return {
        "iter": numpy.int64(1999),
        "args": args,
        "settings": Settings(),
        "namespace": types.SimpleNamespace(a=1),
        "attributes": Attributes(a=1, b=[2]),
        "loss": numpy.float64(0.25),
        "best": numpy.float16(0.5),
        "flag": numpy.bool_(True),
        "history": collections.defaultdict(list, {"loss": [1.0, numpy.float64(0.5)]}),
        "counts": collections.Counter("abca"),
        "recent": collections.deque([1, 2], maxlen=2),
        "seen": {1, 2, 3},
        "frozen": frozenset([4]),
        "raw": b"\x00\xff\x80bytes",
        "array": bytearray(b"\x01\x02"),
        "big": 2**70,
        "complex": 1 + 2j,
        "decimal": decimal.Decimal("1.5"),
        "fraction": fractions.Fraction(1, 3),
        "id": uuid.UUID(int=5),
        "date": datetime.date(2024, 5, 1),
        "took": datetime.timedelta(seconds=5),
        "shape": torch.Size([1, 2]),
        "device": torch.device("cuda", 0),
        "dtype": torch.float16,
        "layout": torch.strided,
        "numpyDtype": numpy.dtype("float32"),
        "numpyType": numpy.float32,
        "mean": numpy.array([0.5, 0.25], dtype=numpy.float32),
        "words": numpy.array(["a", "bc"]),
        "objects": numpy.array([None, "x"], dtype=object),
        "numpyRng": numpy.random.RandomState(1).get_state(),
        "numpyState": numpy.random.RandomState(1),
        "torchRng": torch.zeros(16, dtype=torch.uint8),
        "error": ValueError("stopped"),
        "slice": slice(1, 2),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8),
        "sparse": torch.eye(2).to_sparse(),
        "complexTensor": torch.zeros(2, dtype=torch.complex64),
        **({"float8": torch.zeros(2, dtype=torch.float8_e4m3fn), "uint16": torch.zeros(2, dtype=torch.uint16)} if modern else {}),
    }


class Generator(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mapping = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("echo ran > /tmp/gnr-evil",)


def tagged_as_cuda(storage):
    return "cuda:0"


def main():
    out = pathlib.Path(sys.argv[1])
    modern = int(torch.__version__.split(".")[0]) >= 2
    for definition in (Mode, Level, Settings, Attributes, Generator, Evil, schedule):
        definition.__module__ = "train"
    written = {}

    def save(name, value, **options):
        torch.save(value, out / name, **options)
        written[name] = f"torch {torch.__version__}, numpy {numpy.__version__}"

    if not modern:
        old = {"_use_new_zipfile_serialization": False}
        # The legacy format keeps a module's source, and where it lay.
        inspect.getsourcefile = lambda _: "train.py"
        inspect.getsourcelines = lambda _: (["class Generator: ...\n"], 0)
        save("beside-old.pt", {"G_A2B_ema": generator(), "G_B2A_ema": generator(5), **values_beside(False)}, **old)
        save("module-old.pt", Generator(), **old)
    else:
        save("bare.pt", collections.OrderedDict((path, tensor.clone()) for path, tensor in generator().items()))
        save("wrapped.pt", wrapped_names(generator()))
        save("beside.pt", {"G_A2B_ema": generator(), "G_B2A_ema": generator(5), **values_beside(True)})
        save("beside-protocol-5.pt", {"G_A2B_ema": generator(), "G_B2A_ema": generator(5), **values_beside(True)}, pickle_protocol=5)
        for dtype in (torch.float16, torch.bfloat16, torch.float64):
            save(f"{str(dtype).removeprefix('torch.')}.pt", {"G_A2B_ema": generator(0, dtype), "G_B2A_ema": generator(5, dtype)})
        save("without-constants.pt", {"G_A2B_ema": generator(0, constants=False), "G_B2A_ema": generator(5, constants=False)})
        both = {f"G_A2B_ema.{path}": tensor for path, tensor in generator().items()}
        both |= {f"G_B2A_ema.module.{path}": tensor for path, tensor in generator(5).items()}
        save("lightning.ckpt", {
            "epoch": 3, "global_step": 2000, "pytorch-lightning_version": "2.5.0", "state_dict": both,
            "hyper_parameters": Attributes(lr=0.002), "lr_schedulers": [], "callbacks": {"best": numpy.float64(1.5)},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}],
        })
        save("nested-ema.pt", {"ema": {"G_A2B": generator(), "G_B2A": generator(5)}, "step": 7})
        save("two-generators.pt", {"g": generator(3), "g_ema": generator(), "d": {"w": torch.zeros(1)}, "cfg": None})
        averaged = {"n_averaged": torch.tensor(10), **{f"module.{path}": t for path, t in generator().items()}}
        save("averaged.pt", {"G_A2B_ema": averaged, "G_B2A_ema": {**generator(5), "total_ops": torch.zeros(1, dtype=torch.float64)}})
        strided = generator()
        for path, tensor in strided.items():
            if tensor.dim() > 1:
                strided[path] = tensor.transpose(0, 1).contiguous().transpose(0, 1)
        save("strided.pt", {"G_A2B_ema": strided, "G_B2A_ema": {**generator(5), "mapping.0.bias": torch.full((1,), 0.5).expand(3)}})
        parameters = collections.OrderedDict((path, torch.nn.Parameter(tensor)) for path, tensor in generator().items())
        parameters["mapping.0.weight"].note = "an attribute"
        save("parameters.pt", {"G_A2B_ema": parameters, "G_B2A_ema": generator(5)})
        arrays = {path: tensor.numpy() for path, tensor in generator().items()}
        arrays["mapping.0.weight"] = numpy.asfortranarray(arrays["mapping.0.weight"])
        save("numpy.pt", {"G_A2B_ema": arrays, "G_B2A_ema": generator(5)})
        torch.serialization.register_package(0, tagged_as_cuda, lambda storage, location: None)
        save("cuda.pt", {"G_A2B_ema": generator(), "G_B2A_ema": generator(5)})
        torch.serialization._package_registry.pop(0)
        for name, tensor in {
            "quantised": torch.quantize_per_tensor(torch.ones(3, 2), 0.5, 0, torch.qint8),
            "sparse": torch.ones(3, 2).to_sparse(),
            "csr": torch.ones(3, 2).to_sparse_csr(),
            "meta": torch.ones(3, 2, device="meta"),
            "complex": torch.ones(3, 2, dtype=torch.complex64),
            "float8": torch.ones(3, 2).to(torch.float8_e4m3fn),
            "int8": torch.ones(3, 2, dtype=torch.int8),
            "not-finite": torch.full((3, 2), float("nan")),
        }.items():
            save(f"unfit-{name}.pt", {"G_A2B_ema": {**generator(), "mapping.0.weight": tensor}})
        save("module.pt", Generator())
        save("module-beside.pt", {"G_A2B_ema": Generator(), "iter": 4})
        save("evil.pt", {"G_A2B_ema": generator(), "note": Evil()})
        save("legacy.pt", generator(), _use_new_zipfile_serialization=False)
        save("flat.pt", generator())
        with zipfile.ZipFile(out / "flat.pt") as archive:
            archive.extractall(out / "unpacked")
        (out / "flat.pt").unlink()
        del written["flat.pt"]
        import safetensors.torch

        safe = {path: tensor.clone().half() for path, tensor in generator().items()}
        safetensors.torch.save_file(safe, out / "generator.safetensors", metadata={"format": "pt"})
        written["generator.safetensors"] = f"safetensors {safetensors.__version__}, torch {torch.__version__}"
        written["unpacked"] = f"torch {torch.__version__}, Python's zipfile"
    manifest = out / "fixtures.json"
    known = json.loads(manifest.read_text()) if manifest.exists() else {}
    manifest.write_text(json.dumps({**known, **written}, indent=2, sort_keys=True) + "\n")


main()
