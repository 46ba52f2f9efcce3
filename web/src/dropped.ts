import { type ChosenFile, chosenFiles } from '../../src/browser/model-files.js';

/** The files of a dropped folder, to any depth. */
async function filesBelow(entry: FileSystemEntry): Promise<ChosenFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path: entry.fullPath, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: ChosenFile[] = [];
  // A reader gives a folder in portions, and nothing at its end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return found;
    for (const each of portion) found.push(...(await filesBelow(each)));
  }
}

/** Everything that was dropped, folders too. */
export async function droppedFiles(data: DataTransfer): Promise<ChosenFile[]> {
  // Entries have to be asked for before anything is waited for.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return chosenFiles(data.files);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

/** Whether files are those of a model. */
export function isModel(files: readonly ChosenFile[]): boolean {
  return files.some(({ path }) => /(^|\/)bundle\.json$|\.safetensors$/.test(path));
}

/** The images among files. */
export function imagesAmong(files: readonly ChosenFile[]): ChosenFile[] {
  return files.filter(
    ({ path, file }) => file.type.startsWith('image/') || /\.(avif|heic|heif|tiff?)$/i.test(path),
  );
}

/** A path's last part. */
export function nameOf({ path }: ChosenFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
