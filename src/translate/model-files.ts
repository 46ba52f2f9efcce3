import { InputError, messageOf } from '../errors.js';

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

/** A model among files that a person chose or dropped; of several of one name, that nearest to the top counts. */
export function filesOf(chosen: readonly ChosenFile[], label = 'what you chose'): ModelFiles {
  const depth = ({ path }: ChosenFile): number => path.split('/').length;
  const byDepth = [...chosen].sort((a, b) => depth(a) - depth(b));
  return {
    label,
    async open(name) {
      const found = byDepth.find(({ path }) => path.slice(path.lastIndexOf('/') + 1) === name);
      if (found === undefined) return undefined;
      return new Response(found.file, { headers: { 'content-length': String(found.file.size) } });
    },
  };
}
