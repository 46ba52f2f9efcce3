"""Loads an exported .pt into the reference implementation's own classes, strictly, and takes an optimizer step.

    python3 scripts/check_torch_export.py FILE.pt [--reference FOLDER] [--same-as OTHER.pt]

FOLDER holds model.py of the reference's branch of the file's variant; without it the file is loaded alone.
--same-as compares every key, tensor and setting with those of another file, bit for bit. It needs PyTorch.
"""

import argparse
import json
import pathlib
import sys
import types

import torch


def operations():
    """Replaces the reference's op/, which compiles CUDA code; only its parameters matter here."""

    class FusedLeakyReLU(torch.nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.bias = torch.nn.Parameter(torch.zeros(channels))

    op = types.ModuleType("op")
    op.FusedLeakyReLU, op.fused_leaky_relu, op.upfirdn2d = FusedLeakyReLU, None, None
    return op


def reference_module(folder, config):
    """The reference's model.py, with its literal widths replaced by those of the file."""
    sys.modules["op"] = operations()
    source = (folder / "model.py").read_text()
    width = config["latentDiscriminatorWidth"]
    head, tail = source.split("class LatDiscriminator")
    head = head.replace("style_dim = 512", f"style_dim = {config['styleDim']}")
    module = types.ModuleType("model")
    exec(compile(head + "class LatDiscriminator" + tail.replace("256", str(width)), "model.py", "exec"), module.__dict__)
    divisor = config["channelDivisor"]
    module.channels.update(
        {int(px): max(1, int(n / divisor + 0.5)) for px, n in config["channels"].items()}
    )
    return module


def load_strictly(checkpoint, module, config):
    """Loads as the reference's train.py does with --ckpt, and takes one step of both optimizers."""
    generator = lambda: module.Generator(
        config["size"], config["numDown"], config["latentDim"], config["mappingLayers"],
        lr_mlp=config["mappingRate"], n_res=config["residualBlocks"],
    )
    discriminator = lambda: module.Discriminator(config["size"])
    make = {
        "G_A2B": generator, "G_B2A": generator, "G_A2B_ema": generator, "G_B2A_ema": generator,
        "D_A": discriminator, "D_B": discriminator, "D_L": lambda: module.LatDiscriminator(config["latentDim"]),
    }
    networks = {}
    for name, build in make.items():
        if name not in checkpoint:
            continue
        network = build()
        assert list(network.state_dict()) == list(checkpoint[name]), f"{name}: other keys or another order"
        network.load_state_dict(checkpoint[name], strict=True)
        networks[name] = network
    for name, members in {"G_optim": ["G_A2B", "G_B2A"], "D_optim": ["D_L", "D_A", "D_B"]}.items():
        if name not in checkpoint:
            continue
        parameters = [p for member in members for p in networks[member].parameters()]
        optimizer = torch.optim.Adam(parameters, lr=1)
        optimizer.load_state_dict(checkpoint[name])
        for parameter in parameters:
            state = optimizer.state[parameter]
            assert state["exp_avg_sq"].shape == parameter.shape, f"{name}: moments of another parameter"
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    return list(networks)


def differences(ours, theirs, path):
    """Paths at which two trees of dictionaries, lists, tensors and values differ."""
    if isinstance(theirs, torch.Tensor):
        same = isinstance(ours, torch.Tensor) and ours.dtype == theirs.dtype and torch.equal(ours, theirs)
        return [] if same else [path]
    if type(ours) is not type(theirs):
        return [path]
    if isinstance(theirs, dict):
        if set(ours) != set(theirs):
            return [f"{path} (keys)"]
        return [d for key in theirs for d in differences(ours[key], theirs[key], f"{path}/{key}")]
    if isinstance(theirs, (list, tuple)):
        if len(ours) != len(theirs):
            return [f"{path} (length)"]
        return [d for i, pair in enumerate(zip(ours, theirs)) for d in differences(*pair, f"{path}/{i}")]
    return [] if ours == theirs else [f"{path}: {ours} and {theirs}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--reference", type=pathlib.Path)
    parser.add_argument("--same-as")
    args = parser.parse_args()
    checkpoint = torch.load(args.file, map_location="cpu", weights_only=True)
    config = json.loads(checkpoint["gnr_config"])["model"]
    print(f"loaded {', '.join(checkpoint)}")
    if args.same_as:
        ours = {key: value for key, value in checkpoint.items() if key != "gnr_config"}
        found = differences(ours, torch.load(args.same_as, map_location="cpu", weights_only=True), "")
        if found:
            sys.exit(f"{len(found)} differences: {', '.join(found[:10])}")
        print("equal bit for bit")
    if args.reference:
        names = load_strictly(checkpoint, reference_module(args.reference, config), config)
        print(f"loaded strictly into the reference's {', '.join(names)}; the optimizers took a step")


main()
