// The configuration of TensorFlow's sessions.
import { bytesOf, doubleField, intField, message, messageField } from '../base/protobuf.js';

/** Field numbers of TensorFlow's ConfigProto and of the messages in it. */
const CONFIG = { gpuOptions: 6, graphOptions: 10 };
const GPU_OPTIONS = { memoryFraction: 1, allowGrowth: 4 };
const GRAPH_OPTIONS = { rewriteOptions: 10 };
const REWRITER = { layoutOptimizer: 1, memoryOptimization: 4 };
const OFF = 2;
const NO_MEMORY_OPTIMIZATION = 1;

/**
 * The configuration of sessions as a serialized ConfigProto. GPU memory is allocated as needed. The layout optimizer is
 * off because on a GPU it would rewrite the graphs to NCHW and transpose around every activation (about 40 % more memory
 * traffic), and the memory optimizer because it may swap tensors to the host without notice.
 *
 * @param gpuMemoryFraction the largest fraction of the GPU's memory to use, from 0 to 1; no limit by default. Only that of
 *   the first session of a process counts.
 */
export function sessionConfig(gpuMemoryFraction?: number): Uint8Array {
  const limit =
    gpuMemoryFraction === undefined ? [] : [doubleField(GPU_OPTIONS.memoryFraction, gpuMemoryFraction)];
  return bytesOf(
    message([
      messageField(CONFIG.gpuOptions, [...limit, intField(GPU_OPTIONS.allowGrowth, 1)]),
      messageField(CONFIG.graphOptions, [
        messageField(GRAPH_OPTIONS.rewriteOptions, [
          intField(REWRITER.layoutOptimizer, OFF),
          intField(REWRITER.memoryOptimization, NO_MEMORY_OPTIMIZATION),
        ]),
      ]),
    ]),
  );
}
