// Translates the largest face of a photo in three styles, in a page.
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import faceWeights from '@vladmandic/face-api/model/ssd_mobilenetv1_model.bin?url';
import faceManifest from '@vladmandic/face-api/model/ssd_mobilenetv1_model-weights_manifest.json?url';
import { loadFaceFinder, loadModel, translate } from 'gans-n-roses/web';

const photo = document.querySelector<HTMLInputElement>('#photo')!;
const status = document.querySelector<HTMLElement>('#status')!;
const images = document.querySelector<HTMLElement>('#images')!;

/** Shows errors, whose messages are written for people. */
async function guard(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error);
  }
}

function canvasOf(image: ImageData): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}

await guard(async () => {
  // An exported model beside the page: gnr export --format tfjs --out model
  const model = await loadModel('model/', {
    wasmPaths: {
      'tfjs-backend-wasm.wasm': plainWasm,
      'tfjs-backend-wasm-simd.wasm': simdWasm,
      'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
    },
    onProgress: (progress) => {
      status.textContent =
        progress.phase === 'backend' ? `Starting ${progress.backend}` : 'Loading the model';
    },
  });
  const faceFinder = await loadFaceFinder({
    'ssd_mobilenetv1_model.bin': faceWeights,
    'ssd_mobilenetv1_model-weights_manifest.json': faceManifest,
  });
  const { size, engine } = model;
  status.textContent = `Ready: ${size} px, ${engine.backend}`;
  photo.disabled = false;
  photo.addEventListener('change', () =>
    guard(async () => {
      const [file] = photo.files ?? [];
      if (file === undefined) return;
      const translations = await translate(model, file, {
        styles: 3,
        seed: 1,
        face: 'auto',
        faceFinder,
        onProgress: (done, total) => {
          status.textContent = `${done} of ${total}`;
        },
      });
      images.replaceChildren(...translations.map(({ image }) => canvasOf(image)));
    }),
  );
});
