// Reads dropped files and folders.
import { type ChosenFile, chosenFiles } from '../../src/browser/model-files.js';

/** Lists the files of a dropped folder recursively. */
async function filesBelow(entry: FileSystemEntry): Promise<ChosenFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ path: entry.fullPath, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: ChosenFile[] = [];
  // A reader returns a folder in portions, and an empty one at the end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return found;
    for (const each of portion) found.push(...(await filesBelow(each)));
  }
}

/** Lists everything that was dropped, including the content of folders. */
export async function droppedFiles(data: DataTransfer): Promise<ChosenFile[]> {
  // Entries must be requested before the first await.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return chosenFiles(data.files);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

/** Returns whether the files include a model. */
export function isModel(files: readonly ChosenFile[]): boolean {
  return files.some(({ path }) => /(^|\/)bundle\.json$|\.safetensors$/.test(path));
}

/** Selects the images among files. */
export function imagesAmong(files: readonly ChosenFile[]): ChosenFile[] {
  return files.filter(
    ({ path, file }) => file.type.startsWith('image/') || /\.(avif|heic|heif|tiff?)$/i.test(path),
  );
}

/** Returns the last part of the path. */
export function nameOf({ path }: ChosenFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
