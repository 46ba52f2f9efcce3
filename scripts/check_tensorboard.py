"""Lists the scalars, images and histograms, with their steps, that TensorBoard's own reader finds in a run.

It is not part of the test suite, because it needs Python with the package tensorboard:

    python scripts/check_tensorboard.py RUN/tensorboard

It fails if one of the three is missing, steps are not in order, an image is not a PNG of its stated size, the buckets of
a histogram do not add up to its count, or a part of a file cannot be read.
"""

import os
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def fail(message):
    sys.exit(f"check_tensorboard: {message}")


def check_steps(tag, events):
    steps = [event.step for event in events]
    if steps != sorted(set(steps)):
        fail(f"the steps of {tag} are not in order: {steps}")
    return steps


def check_image(tag, event):
    png = event.encoded_image_string
    size = struct.unpack(">II", png[16:24])
    if not png.startswith(PNG_SIGNATURE) or size != (event.width, event.height):
        fail(f"{tag} at step {event.step} is not a PNG of {event.width} x {event.height} px")
    return f"{event.width} x {event.height} px, {len(png)} bytes"


def check_histogram(tag, event):
    value = event.histogram_value
    if sum(value.bucket) != value.num or len(value.bucket) != len(value.bucket_limit):
        fail(f"the buckets of {tag} at step {event.step} do not add up to its {value.num:.0f} numbers")
    if list(value.bucket_limit) != sorted(value.bucket_limit) or value.bucket_limit[-1] != value.max:
        fail(f"the buckets of {tag} at step {event.step} are not in order")
    return f"{value.num:.0f} numbers from {value.min:.4g} to {value.max:.4g}"


def show(kind, tags, events_of, describe):
    if not tags:
        fail(f"found no {kind}")
    print(f"{len(tags)} {kind}")
    for tag in tags:
        events = events_of(tag)
        steps = check_steps(tag, events)
        notes = [describe(tag, event) for event in events]
        shown = ", ".join(map(str, steps if len(steps) <= 6 else [*steps[:3], "...", *steps[-2:]]))
        print(f"  {tag}: {len(steps)} at steps {shown}; the last: {notes[-1]}")


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        fail("usage: python scripts/check_tensorboard.py RUN/tensorboard")
    folder = sys.argv[1]
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        count = sum(1 for _ in LegacyEventFileLoader(path).Load())
        print(f"{name}: {count} events, {os.path.getsize(path)} bytes")
        if count == 0:
            fail(f"{path} holds no readable event")
    # 0 means all events, not a sample of them.
    reader = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "histograms": 0})
    reader.Reload()
    tags = reader.Tags()
    show("scalars", tags["scalars"], reader.Scalars, lambda _, event: f"{event.value:.6g}")
    show("images", tags["images"], reader.Images, check_image)
    show("histograms", tags["histograms"], reader.Histograms, check_histogram)


main()
