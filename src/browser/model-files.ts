import { InputError, messageOf } from '../base/errors.js';
import { parseStepName } from '../base/step-names.js';

/** A folder with a model, wherever it is. */
export interface ModelFiles {
  /** What it is called in messages. */
  label: string;
  /** The file of that name in it; undefined where there is none. @throws InputError where it cannot be read. */
  open(name: string, signal?: AbortSignal): Promise<Response | undefined>;
}

/** A file that a person chose, with its path in the chosen folder. */
export interface ChosenFile {
  path: string;
  file: Blob;
}

/**
 * A model on the web.
 *
 * @param url of its folder, or of its bundle.json, config.json or model.safetensors.
 */
export function filesAt(url: string): ModelFiles {
  const address = new URL(url);
  const name = address.pathname.slice(address.pathname.lastIndexOf('/') + 1);
  if (/\.(json|safetensors)$/.test(name)) address.pathname = address.pathname.slice(0, -name.length);
  else if (name !== '') address.pathname += '/';
  const at = (file: string): URL => {
    const location = new URL(file, address);
    location.search = address.search;
    return location;
  };
  return {
    label: address.href,
    async open(file, signal) {
      const location = at(file);
      const complain = (found: string, cause?: unknown) =>
        new InputError(
          {
            expected: `a file at ${location.href}`,
            found,
            remedy: 'check the address; another host has to allow pages to read it (CORS)',
          },
          { cause },
        );
      let response: Response;
      try {
        response = await fetch(location, { credentials: 'omit', ...(signal && { signal }) });
      } catch (error) {
        if (signal?.aborted) throw error;
        throw complain(`no answer (${messageOf(error)})`, error);
      }
      // Hosts of single pages answer with the page where there is no file.
      const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
      if (response.status === 404 || response.status === 410 || (response.ok && isPage)) return undefined;
      if (!response.ok) throw complain(`status ${response.status}`);
      return response;
    },
  };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const depthOf = (folder: string): number => folder.split('/').length;

/** The number of a folder `step-NNNNNN/`, which a run's checkpoints are in; -1 for others. */
function stepOf(folder: string): number {
  return parseStepName(folder.split('/').at(-2) ?? '') ?? -1;
}

/** The folder of one model: of several the one nearest to the top, and of a run's checkpoints the newest. */
function modelFolder(paths: ReadonlySet<string>): string | undefined {
  const folders = [...new Set([...paths].map(folderOf))];
  const isModel = (folder: string): boolean =>
    paths.has(`${folder}bundle.json`) ||
    (paths.has(`${folder}config.json`) && paths.has(`${folder}model.safetensors`));
  const order = (a: string, b: string): number => depthOf(a) - depthOf(b) || stepOf(b) - stepOf(a);
  // Where there is none, the one with a part of a model, so that messages name what is missing.
  const hasPart = (folder: string): boolean => paths.has(`${folder}config.json`);
  return folders.filter(isModel).sort(order)[0] ?? folders.filter(hasPart).sort(order)[0];
}

/** Files of an `<input type="file">`, or of anything else that gives a list; with `webkitdirectory` they have paths. */
export function chosenFiles(files: ArrayLike<File> | null): ChosenFile[] {
  return Array.from(files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** A model among files that a person chose or dropped, all of it from one folder. */
export function filesOf(chosen: readonly ChosenFile[], label = 'what you chose'): ModelFiles {
  const byPath = new Map(chosen.map(({ path, file }) => [path, file]));
  const folder = modelFolder(new Set(byPath.keys()));
  return {
    label,
    async open(name) {
      const file = folder === undefined ? undefined : byPath.get(folder + name);
      if (file === undefined) return undefined;
      return new Response(file, { headers: { 'content-length': String(file.size) } });
    },
  };
}
