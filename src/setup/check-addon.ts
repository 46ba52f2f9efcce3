// Checks built addons by running the engine's basic operations in a process of its own.
import path from 'node:path';
import { RunError } from '../base/errors.js';
import { bytesField, bytesOf, type Encoded, intField, message, messageField } from '../base/protobuf.js';
import { type Finished, lastLines, runProgram } from '../base/run-program.js';
import { ADDON_FILE, ALL_REDUCE_FILE, type Packages, SESSION_FILE, SOURCES } from './addon.js';
import { kernelCacheSettings } from './gpu-build.js';
import { cudaLibraries, PRELOAD_FILE } from './preload.js';
import { sessionConfig } from './session-config.js';
import type { Device } from './wheels.js';

/** The addons in `directory`, with the library and the npm packages that they were built for. */
export interface AddonCheckOptions {
  directory: string;
  device: Device;
  /** The folder of libtensorflow_cc. */
  libraries: string;
  packages: Pick<Packages, 'tfjs'>;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

export interface AddonCheck {
  tensorflow: string;
  /** Whether TensorFlow computes on a GPU. */
  gpu: boolean;
  /** The loader's messages about CUDA libraries that did not load. */
  preloadFailures: string[];
}

/** The addon loads, but an operation fails. */
export class ComputeError extends RunError {
  /** Whether TensorFlow computed on a GPU. */
  readonly gpu: boolean;

  constructor(message: string, gpu: boolean) {
    super(message);
    this.gpu = gpu;
  }
}

/** The lines that native/check-addon.cjs prints. */
type CheckLine = Partial<{
  loaded: true;
  gpu: boolean;
  preloadFailures: string[];
  part: string;
  done: true;
  backend: string;
  tensorflow: string;
  failures: { part: string; reason: string }[];
}>;

/** Field numbers of TensorFlow's GraphDef, NodeDef and AttrValue, and its code of float32. */
const GRAPH = { node: 1 };
const NODE = { name: 1, op: 2, input: 3, attribute: 5 };
const ENTRY = { key: 1, value: 2 };
const ATTRIBUTE = { bytes: 2, type: 6, shape: 7 };
const SHAPE = { dimension: 2, size: 1 };
const FLOAT = 1;

/** A graph that stores the input `value` in a variable and multiplies the variable by the input `factor`. */
function sessionGraph(): Uint8Array {
  const type = intField(ATTRIBUTE.type, FLOAT);
  const shape = messageField(ATTRIBUTE.shape, [messageField(SHAPE.dimension, [intField(SHAPE.size, 4)])]);
  const node = (name: string, op: string, inputs: string[], attributes: Record<string, Encoded>): Encoded =>
    messageField(GRAPH.node, [
      bytesField(NODE.name, name),
      bytesField(NODE.op, op),
      ...inputs.map((input) => bytesField(NODE.input, input)),
      ...Object.entries(attributes).map(([key, value]) =>
        messageField(NODE.attribute, [bytesField(ENTRY.key, key), messageField(ENTRY.value, [value])]),
      ),
    ]);
  const names = {
    shared_name: bytesField(ATTRIBUTE.bytes, 'variable'),
    container: bytesField(ATTRIBUTE.bytes, ''),
  };
  return bytesOf(
    message([
      node('value', 'Placeholder', [], { dtype: type, shape }),
      node('factor', 'Placeholder', [], { dtype: type, shape }),
      node('variable', 'VarHandleOp', [], { dtype: type, shape, ...names }),
      node('assign', 'AssignVariableOp', ['variable', 'value'], { dtype: type }),
      node('read', 'ReadVariableOp', ['variable'], { dtype: type }),
      node('scaled', 'Mul', ['read', 'factor'], { T: type }),
    ]),
  );
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

async function runCheck(options: AddonCheckOptions, extraEnv: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const { directory, device, libraries, packages, env, signal } = options;
  const task = {
    packageDirectory: packages.tfjs,
    addon: path.join(directory, ADDON_FILE),
    sessionAddon: path.join(directory, SESSION_FILE),
    preloadAddon: path.join(directory, PRELOAD_FILE),
    allReduceAddon: path.join(directory, ALL_REDUCE_FILE),
    preload: device === 'gpu' ? cudaLibraries(libraries) : [],
    graph: base64(sessionGraph()),
    config: base64(sessionConfig()),
  };
  const args = [path.join(SOURCES, 'check-addon.cjs'), JSON.stringify(task)];
  const settings = device === 'gpu' ? kernelCacheSettings(env) : {};
  const checkEnv = { ...env, ...settings, NODE_OPTIONS: '', ...extraEnv };
  return runProgram(process.execPath, args, { env: checkEnv, signal });
}

function reasonOf({ code, stderr }: Finished): string {
  return (
    /Error: (.*)/.exec(stderr)?.[1] ??
    (lastLines(stderr, 1) || (code === null ? 'a signal ended it' : `exit code ${code}`))
  );
}

/**
 * Loads addons in a process of its own and computes products, a convolution and its gradients, a sum, and a session.
 * @throws RunError with the loader's message if an addon does not load; ComputeError naming the operations that fail.
 */
export async function checkAddon(options: AddonCheckOptions): Promise<AddonCheck> {
  const finished = await runCheck(options);
  const lines = finished.stdout.split('\n').filter((line) => line.startsWith('{'));
  const result: CheckLine = Object.assign({}, ...lines.map((line) => JSON.parse(line) as CheckLine));
  const { loaded, gpu = false, preloadFailures = [], part, done, tensorflow = '', failures = [] } = result;
  if (!loaded) {
    const hint = finished.code === null ? '; TensorFlow needs a processor with AVX' : '';
    throw new RunError(`The TensorFlow addon does not load: ${reasonOf(finished)}${hint}.`);
  }
  if (!done) {
    const where = part === undefined ? 'before it computes' : `while it computes ${part}`;
    throw new ComputeError(`The engine's process ends ${where}: ${reasonOf(finished)}.`, gpu);
  }
  if (result.backend !== 'tensorflow' || failures.length > 0) {
    const what = failures.map((each) => `${each.part} (${each.reason})`).join(', ');
    throw new ComputeError(`The engine fails at ${what || `its backend (${result.backend})`}.`, gpu);
  }
  return { tensorflow, gpu, preloadFailures };
}

/** Lines of TensorFlow's log that say something about GPUs. */
const GPU_MESSAGES =
  /dlerror|libcuda|NVML|cuDNN|compute capability|cannot dlopen|cuInit|kernel driver|kernel version|CUDA_ERROR|out of memory/i;
/** At this log level TensorFlow reports every kernel, with attributes that are named after cuDNN. */
const NOISE = /Instantiating kernel/;
const MAX_LINES = 12;

/** The lines of TensorFlow's log that explain why it does not use a GPU, without time stamps, each once. */
export function gpuLines(log: string): string[] {
  const lines = log.split('\n').filter((line) => GPU_MESSAGES.test(line) && !NOISE.test(line));
  const texts = lines.map((line) =>
    line.replace(/^\S+ [\d:.]+\s+\d+ \S+\] |^[\d-]+ [\d:.]+: [IWEF] /, '').trim(),
  );
  return [...new Set(texts)].slice(0, MAX_LINES);
}

/** Runs the check again with TensorFlow's log switched on. @returns its lines about GPUs. */
export async function gpuLog(options: AddonCheckOptions): Promise<string[]> {
  const { stderr } = await runCheck(options, { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_MAX_VLOG_LEVEL: '1' });
  return gpuLines(stderr);
}
