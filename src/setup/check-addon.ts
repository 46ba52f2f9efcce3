// Runs what the engine consists of with a built addon, in a process of its own.
import path from 'node:path';
import { RunError } from '../base/errors.js';
import { bytesField, bytesOf, intField, message, messageField, type Encoded } from '../base/protobuf.js';
import { type Finished, lastLines, runProgram } from '../base/run-program.js';
import { ADDON_FILE, type Packages, SESSION_FILE, SOURCES } from './addon.js';
import { kernelCacheSettings } from './gpu-build.js';
import { cudaLibraries, PRELOAD_FILE } from './preload.js';
import { sessionConfig } from './session-config.js';
import type { Device } from './wheels.js';

/** What is checked: the addon of `directory`, with the library and the npm packages that it was built for. */
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
  /** The loader's words about CUDA's libraries that did not load. */
  preloadFailures: string[];
}

/** The addon loads, and a part of what was computed with it fails. */
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

/** Fields of TensorFlow's GraphDef, NodeDef and AttrValue, and its number for float32. */
const GRAPH = { node: 1 };
const NODE = { name: 1, op: 2, input: 3, attribute: 5 };
const ENTRY = { key: 1, value: 2 };
const ATTRIBUTE = { bytes: 2, type: 6, shape: 7 };
const SHAPE = { dimension: 2, size: 1 };
const FLOAT = 1;

/** A graph that keeps what is fed to `value` in a variable, and multiplies it by what is fed to `factor`. */
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

async function runCheck(options: AddonCheckOptions, more: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const { directory, device, libraries, packages, env, signal } = options;
  const task = {
    packageDirectory: packages.tfjs,
    addon: path.join(directory, ADDON_FILE),
    sessionAddon: path.join(directory, SESSION_FILE),
    preloadAddon: path.join(directory, PRELOAD_FILE),
    preload: device === 'gpu' ? cudaLibraries(libraries) : [],
    graph: base64(sessionGraph()),
    config: base64(sessionConfig()),
  };
  const args = [path.join(SOURCES, 'check-addon.cjs'), JSON.stringify(task)];
  const settings = device === 'gpu' ? kernelCacheSettings(env) : {};
  const checkEnv = { ...env, ...settings, NODE_OPTIONS: '', ...more };
  return runProgram(process.execPath, args, { env: checkEnv, signal });
}

function reasonOf({ code, stderr }: Finished): string {
  return (
    /Error: (.*)/.exec(stderr)?.[1] ??
    (lastLines(stderr, 1) || (code === null ? 'a signal ended it' : `exit code ${code}`))
  );
}

/**
 * Loads an addon in a process of its own and computes with it: products, a convolution and its gradients, a sum, a session.
 * @throws RunError with the loader's own words where it does not load; ComputeError naming the parts that fail.
 */
export async function checkAddon(options: AddonCheckOptions): Promise<AddonCheck> {
  const finished = await runCheck(options);
  const lines = finished.stdout.split('\n').filter((line) => line.startsWith('{'));
  const found: CheckLine = Object.assign({}, ...lines.map((line) => JSON.parse(line) as CheckLine));
  const { loaded, gpu = false, preloadFailures = [], part, done, tensorflow = '', failures = [] } = found;
  if (!loaded) {
    const hint = finished.code === null ? '; TensorFlow needs a processor with AVX' : '';
    throw new RunError(`The TensorFlow addon does not load: ${reasonOf(finished)}${hint}.`);
  }
  if (!done) {
    const where = part === undefined ? 'before it computes' : `while it computes ${part}`;
    throw new ComputeError(`The engine's process ends ${where}: ${reasonOf(finished)}.`, gpu);
  }
  if (found.backend !== 'tensorflow' || failures.length > 0) {
    const what = failures.map((each) => `${each.part} (${each.reason})`).join(', ');
    throw new ComputeError(`The engine fails at ${what || `its backend (${found.backend})`}.`, gpu);
  }
  return { tensorflow, gpu, preloadFailures };
}

const TELLING =
  /dlerror|libcuda|NVML|cuDNN|compute capability|cannot dlopen|cuInit|kernel driver|kernel version|CUDA_ERROR|out of memory/i;
/** At this log level every kernel is announced, with attributes that are named after cuDNN. */
const NOISE = /Instantiating kernel/;
const MAX_LINES = 12;

/** Those of TensorFlow's log lines that say why it does not use a GPU, without their time stamps; each once. */
export function gpuLines(log: string): string[] {
  const lines = log.split('\n').filter((line) => TELLING.test(line) && !NOISE.test(line));
  const texts = lines.map((line) =>
    line.replace(/^\S+ [\d:.]+\s+\d+ \S+\] |^[\d-]+ [\d:.]+: [IWEF] /, '').trim(),
  );
  return [...new Set(texts)].slice(0, MAX_LINES);
}

/** Runs the check again with TensorFlow's log switched on, and gives what that says about GPUs. */
export async function gpuLog(options: AddonCheckOptions): Promise<string[]> {
  const { stderr } = await runCheck(options, { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_MAX_VLOG_LEVEL: '1' });
  return gpuLines(stderr);
}
