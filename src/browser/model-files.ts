// The files of a model for browsers: on the web, or chosen by a person.
import { InputError, messageOf } from '../base/errors.js';
import { parseStepName } from '../base/step-names.js';

/** A folder with a model, on the web or on the machine. */
export interface ModelFiles {
  /** Its name in messages. */
  label: string;
  /** Opens a file of the folder; undefined if there is none. @throws InputError if it cannot be read. */
  open(name: string, signal?: AbortSignal): Promise<Response | undefined>;
}

/** A chosen file, with its path in the chosen folder. */
export interface ChosenFile {
  path: string;
  file: Blob;
}

/**
 * Opens a model on the web.
 *
 * @param url address of its folder, or of its bundle.json, config.json or model.safetensors.
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
      const inputError = (found: string, cause?: unknown) =>
        new InputError(
          {
            expected: `a file at ${location.href}`,
            found,
            remedy: 'check the address; another host must allow pages to read it (CORS)',
          },
          { cause },
        );
      let response: Response;
      try {
        response = await fetch(location, { credentials: 'omit', ...(signal && { signal }) });
      } catch (error) {
        if (signal?.aborted) throw error;
        throw inputError(`no answer (${messageOf(error)})`, error);
      }
      // Hosts of single-page apps answer with the page if there is no file.
      const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
      if (response.status === 404 || response.status === 410 || (response.ok && isPage)) return undefined;
      if (!response.ok) throw inputError(`status ${response.status}`);
      return response;
    },
  };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const depthOf = (folder: string): number => folder.split('/').length;

/** Returns the number of a checkpoint folder `step-NNN/`; -1 for other folders. */
function stepOf(folder: string): number {
  return parseStepName(folder.split('/').at(-2) ?? '') ?? -1;
}

/** Finds the folder of a model: of several the one nearest to the top, and of a run's checkpoints the newest. */
function modelFolder(paths: ReadonlySet<string>): string | undefined {
  const folders = [...new Set([...paths].map(folderOf))];
  const isModel = (folder: string): boolean =>
    paths.has(`${folder}bundle.json`) ||
    (paths.has(`${folder}config.json`) && paths.has(`${folder}model.safetensors`));
  const order = (a: string, b: string): number => depthOf(a) - depthOf(b) || stepOf(b) - stepOf(a);
  // Falls back to a folder with part of a model, so that messages name the missing file.
  const hasPart = (folder: string): boolean => paths.has(`${folder}config.json`);
  return folders.filter(isModel).sort(order)[0] ?? folders.filter(hasPart).sort(order)[0];
}

/** Lists the files of an `<input type="file">` or similar; with `webkitdirectory` they have paths. */
export function chosenFiles(files: ArrayLike<File> | null): ChosenFile[] {
  return Array.from(files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Opens the model among files that a person chose or dropped. All its files come from one folder. */
export function filesOf(chosen: readonly ChosenFile[], label = 'the chosen files'): ModelFiles {
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
