// Starts the page and connects its controls. The policy must be imported first, with a blank line after it.
import './policy.js';

import { messageOf } from '../../src/base/errors.js';
import { type ChosenFile, chosenFiles } from '../../src/browser/model-files.js';
import type { WebBackend } from '../../src/browser/web.js';
import { App } from './app.js';
import { BACKENDS } from './backends.js';
import { byId } from './dom.js';
import { droppedFiles, imagesAmong, isModel, nameOf } from './dropped.js';
import exampleUrl from './example.webp?url';
import { openImage } from './images.js';
import { isModelRequested, modelUrl, otherHost } from './policy.js';

const app = new App();

/** Runs the work of an event, and shows its error. */
function act(work: () => Promise<void> | void): void {
  app.status.clear();
  app.guard((async () => work())());
}

/** Opens dropped, pasted or chosen files: a model, or an image. */
async function openFiles(files: readonly ChosenFile[]): Promise<void> {
  if (isModel(files)) return app.load({ files: [...files] });
  const [image] = imagesAmong(files);
  if (image !== undefined) return app.open(await openImage(image.file, nameOf(image)), nameOf(image));
  if (files.length > 0) throw new Error('That is neither a picture nor a model.');
}

async function openReferences(files: readonly ChosenFile[]): Promise<void> {
  const images = imagesAmong(files);
  const added = await Promise.all(
    images.map(async (each) => ({
      name: nameOf(each),
      source: await openImage(each.file, nameOf(each)),
    })),
  );
  if (added.length > 0) app.styles.addReferences(added);
}

/** Makes a button open a file dialogue. */
function chooser(button: string, input: string, open: (files: ChosenFile[]) => Promise<void>): void {
  const field = byId<HTMLInputElement>(input);
  byId(button).addEventListener('click', () => field.click());
  field.addEventListener('change', () => {
    const files = chosenFiles(field.files);
    // Allows the same file to be chosen again.
    field.value = '';
    act(() => open(files));
  });
}

function wireSources(): void {
  chooser('choose', 'file', openFiles);
  chooser('choose-reference', 'reference-file', openReferences);
  chooser('choose-folder', 'folder', (files) => app.load({ files }));
  chooser('choose-files', 'model-files', (files) => app.load({ files }));
  const video = byId<HTMLVideoElement>('video');
  byId('camera').addEventListener('click', () => act(() => app.startCamera(video)));
  byId('shoot').addEventListener('click', () => act(() => app.takePhoto()));
  byId('camera-stop').addEventListener('click', () => act(() => app.stopCamera()));
  byId('record').addEventListener('click', () => act(() => app.toggleRecording()));
  byId('example').addEventListener('click', () =>
    act(async () => {
      const response = await fetch(exampleUrl);
      app.open(await openImage(await response.blob(), 'The example'), 'example');
    }),
  );
  document.addEventListener('paste', ({ clipboardData }) => {
    const files = chosenFiles(clipboardData?.files ?? null);
    if (files.length > 0) act(() => openFiles(files));
  });
}

function wireDropping(): void {
  const { classList } = document.body;
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    classList.add('dragged');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) classList.remove('dragged');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    classList.remove('dragged');
    const data = event.dataTransfer;
    if (data === null) return;
    const isReference =
      event.target instanceof Element && event.target.closest('#reference-controls') !== null;
    const files = droppedFiles(data);
    act(async () => (isReference ? openReferences(await files) : openFiles(await files)));
  });
}

function wireChoices(): void {
  for (const radio of document.querySelectorAll('input[name="direction"]'))
    radio.addEventListener('change', () => act(() => app.changeDirection()));
  byId('find-faces').addEventListener('change', () => act(() => app.changeFinding()));
  byId('save').addEventListener('click', () => app.saveShown());
  byId('turn').addEventListener('click', () => act(() => app.turn()));
  byId('save-photo').addEventListener('click', () => act(() => app.savePhoto()));
  byId('keep').addEventListener('click', () => app.styles.keep());
  const backend = byId<HTMLSelectElement>('backend');
  const requested = new URLSearchParams(location.search).get('backend');
  if (BACKENDS.some((each) => each === requested)) backend.value = requested!;
  backend.addEventListener('change', () => act(() => app.start(backend.value as WebBackend | 'auto')));
}

async function begin(): Promise<void> {
  if (otherHost !== undefined)
    byId('other-host').textContent = `, and ${otherHost} for the model that its address names`;
  await app.start(byId<HTMLSelectElement>('backend').value as WebBackend | 'auto');
  if (modelUrl === undefined)
    throw new Error(
      'The address of the model (?model=) is not a web address; use one that starts with https.',
    );
  try {
    await app.load({ url: modelUrl.href });
  } catch (error) {
    const isMissing = /found none;/.test(messageOf(error));
    if (isModelRequested || !isMissing) throw error;
    app.status.noModel();
  }
}

wireSources();
wireDropping();
wireChoices();
app.guard(begin());
