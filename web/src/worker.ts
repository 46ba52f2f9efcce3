// The worker that runs the model for the page.
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import faceWeights from '@vladmandic/face-api/model/ssd_mobilenetv1_model.bin?url';
import faceManifest from '@vladmandic/face-api/model/ssd_mobilenetv1_model-weights_manifest.json?url';
import { z } from 'zod';
import { messageOf } from '../../src/base/errors.js';
import type { EngineSession, Resident } from '../../src/browser/engine-session.js';
import { floatsOf, rgbOf } from '../../src/browser/image-output.js';
import { filesAt, filesOf } from '../../src/browser/model-files.js';
import { type ResidentTranslator, residentTranslator } from '../../src/browser/resident-translator.js';
import { loadWebModel } from '../../src/browser/web-bundle.js';
import { claimWebEngine } from '../../src/browser/web-engine.js';
import type { FaceDetector } from '../../src/faces/face-finder.js';
import { BACKEND_NAMES } from './backends.js';
import type { Reply, Request, TaskName, Tasks } from './messages.js';

// The page's policy forbids compiling code from text, which zod would try.
z.config({ jitless: true });

const scope = globalThis as unknown as {
  postMessage(reply: Reply, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};

type Progress = (text: string, share?: number) => void;
type Handlers = {
  [K in TaskName]: (argument: Tasks[K]['argument'], progress: Progress) => Promise<Tasks[K]['answer']>;
};

const WASM_PATHS = {
  'tfjs-backend-wasm.wasm': plainWasm,
  'tfjs-backend-wasm-simd.wasm': simdWasm,
  'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
};

const FACE_PATHS = {
  'ssd_mobilenetv1_model-weights_manifest.json': faceManifest,
  'ssd_mobilenetv1_model.bin': faceWeights,
};

let session: EngineSession | undefined;
let translator: ResidentTranslator | undefined;
let detector: Promise<Resident<FaceDetector>> | undefined;

function started(): EngineSession {
  if (session === undefined) throw new Error('Nothing that could compute has started.');
  return session;
}

/** Loads the detector once; after a failure, the next call tries again. */
function openDetector(): Promise<Resident<FaceDetector>> {
  detector ??= (async () => {
    const { fetchFaceDetector } = await import('../../src/browser/face-weights.js');
    return started().resident(await fetchFaceDetector(FACE_PATHS));
  })().catch((error: unknown) => {
    detector = undefined;
    throw error;
  });
  return detector;
}

function open(): ResidentTranslator {
  if (translator === undefined) throw new Error('There is no model yet; load one.');
  return translator;
}

const handlers: Handlers = {
  async engine({ backend }, progress) {
    const claimed = await claimWebEngine({
      backend,
      wasmPaths: WASM_PATHS,
      onTry: (tried) => progress(`Starting ${BACKEND_NAMES[tried]}`),
    });
    ({ session } = claimed);
    session.onChange((engine, error) =>
      scope.postMessage({ moved: { engine, ...(error && { error: error.message }) } }),
    );
    return claimed.engine;
  },
  async model(source, progress) {
    const files = 'url' in source ? filesAt(source.url) : filesOf(source.files);
    const model = await loadWebModel(files, {
      onProgress: (done, total) => progress('Loading the model', total && done / total),
    });
    const { architecture, values, parameters, bytes } = model;
    const next = await residentTranslator(started(), architecture, values);
    translator?.dispose();
    translator = next;
    return { architecture, parameters, bytes };
  },
  async encode({ direction, pixels }) {
    const from = performance.now();
    const content = await open().encode(direction, floatsOf(pixels));
    return { content, milliseconds: performance.now() - from };
  },
  async decode({ content, style }) {
    const from = performance.now();
    const image = await open().decode(content, style);
    return { image, milliseconds: performance.now() - from };
  },
  async faces({ pixels, width, height, paddings }) {
    const loaded = await openDetector();
    const from = performance.now();
    const image = { data: rgbOf(pixels), width, height };
    const faces = await started().compute(() => loaded.get().find(image, paddings));
    return { faces, milliseconds: performance.now() - from };
  },
  style: ({ direction, pixels }) => open().styleOf(direction, floatsOf(pixels)),
};

async function answer({ id, task, argument }: Request): Promise<void> {
  const progress: Progress = (text, share) =>
    scope.postMessage({ id, progress: { text, ...(share !== undefined && { share }) } });
  try {
    const handle = handlers[task] as (
      argument: Tasks[TaskName]['argument'],
      progress: Progress,
    ) => Promise<never>;
    scope.postMessage({ id, answer: await handle(argument, progress) });
  } catch (error) {
    scope.postMessage({ id, error: messageOf(error) });
  }
}

// Runs one task after another, so a model is never replaced while it is in use. Looking for faces waits for the engine alone,
// because it needs no model, and translating does not wait for the weights of the detector.
let last: Promise<void> = Promise.resolve();
let engineStarted: Promise<void> = last;
scope.onmessage = ({ data }) => {
  if (data.task === 'faces') {
    void engineStarted.then(() => answer(data));
    return;
  }
  last = last.then(() => answer(data));
  if (data.task === 'engine') engineStarted = last;
};
