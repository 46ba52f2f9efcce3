// Loads libraries by full path before TensorFlow looks for them by name.
import path from 'node:path';
import { messageOf } from '../base/errors.js';

export const PRELOAD_FILE = 'gnr_preload.node';

/** What native/preload.cc exports. */
export interface NativeLoader {
  /** Loads files (or names) in this order. @returns for each null, or the loader's words where it fails. */
  preload(files: readonly string[]): (string | null)[];
  /** Loads one file with standard error closed off. @returns null, or the loader's words where it fails. */
  loadQuietly(file: string): string | null;
  /** Gives memory that was freed back to the system. */
  trim(): void;
}

/** @returns the installed loader, or why there is none. */
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
 * CUDA's libraries, each after those that it needs. TensorFlow opens them by name only: libcusolver is on the run path of
 * none of the libraries that open it (so no GPU was ever registered), and for the others another version in
 * LD_LIBRARY_PATH would win. A name that is loaded already is taken as it is. cuDNN opens its own parts the same way.
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

/** Full paths of CUDA's libraries in the order in which to load them. @param libraries folder of libtensorflow_cc. */
export function cudaLibraries(libraries: string): string[] {
  return CUDA_LIBRARIES.map((name) => path.join(path.dirname(libraries), 'nvidia', name));
}
