"""Writes the kernels that a TensorFlow library registers to standard output, as a serialized KernelList.

    python scripts/registered_kernels.py .../tensorflow/libtensorflow_cc.so.2 > kernels.pb
"""

import ctypes
import sys


class Buffer(ctypes.Structure):
    """TF_Buffer of the C API."""

    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p)]


def registered_kernels(path):
    library = ctypes.CDLL(path)
    library.TF_NewStatus.restype = ctypes.c_void_p
    library.TF_GetAllRegisteredKernels.argtypes = [ctypes.c_void_p]
    library.TF_GetAllRegisteredKernels.restype = ctypes.POINTER(Buffer)
    buffer = library.TF_GetAllRegisteredKernels(library.TF_NewStatus())
    if not buffer:
        sys.exit(f"{path} lists no kernels")
    return ctypes.string_at(buffer.contents.data, buffer.contents.length)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.buffer.write(registered_kernels(sys.argv[1]))
