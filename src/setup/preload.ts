// Loads CUDA's libraries by full path before TensorFlow looks for them by name.
import path from 'node:path';
import { messageOf } from '../base/errors.js';

export const PRELOAD_FILE = 'gnr_preload.node';

/** The exports of native/preload.cc. */
export interface NativeLoader {
  /** Loads files (or names) in this order. @returns for each one null, or the loader's message if it fails. */
  preload(files: readonly string[]): (string | null)[];
  /** Loads one file with standard error redirected to nothing. @returns null, or the loader's message if it fails. */
  loadQuietly(file: string): string | null;
  /** Gives freed memory back to the system. */
  trim(): void;
}

/** Opens the installed loader. @returns the loader, or a message why there is none. */
export function openLoader(directory: string): NativeLoader | string {
  const addon: { exports: Partial<NativeLoader> } = { exports: {} };
  try {
    process.dlopen(addon, path.join(directory, PRELOAD_FILE));
    return addon.exports as NativeLoader;
  } catch (error) {
    return messageOf(error).trim().split('\n', 1)[0]!;
  }
}

/**
 * CUDA's libraries, each after those that it needs. TensorFlow opens them by name: libcusolver is not on the run path of
 * the libraries that open it (so TensorFlow would find no GPU), and of the others it would prefer another version in
 * LD_LIBRARY_PATH. A name that is already loaded is not searched again. cuDNN opens its own libraries in the same way.
 */
const CUDA_LIBRARIES = [
  'cuda_runtime/lib/libcudart.so.12',
  'nvjitlink/lib/libnvJitLink.so.12',
  'cublas/lib/libcublasLt.so.12',
  'cublas/lib/libcublas.so.12',
  'cusparse/lib/libcusparse.so.12',
  'cusolver/lib/libcusolver.so.11',
  'cufft/lib/libcufft.so.11',
  'curand/lib/libcurand.so.10',
  'cuda_nvrtc/lib/libnvrtc.so.12',
  'cuda_cupti/lib/libcupti.so.12',
  'nccl/lib/libnccl.so.2',
  ...[
    'cudnn',
    'cudnn_graph',
    'cudnn_ops',
    'cudnn_cnn',
    'cudnn_adv',
    'cudnn_heuristic',
    'cudnn_engines_precompiled',
    'cudnn_engines_runtime_compiled',
  ].map((name) => `cudnn/lib/lib${name}.so.9`),
];

/** Full paths of CUDA's libraries in loading order. @param libraries folder of libtensorflow_cc. */
export function cudaLibraries(libraries: string): string[] {
  return CUDA_LIBRARIES.map((name) => path.join(path.dirname(libraries), 'nvidia', name));
}
