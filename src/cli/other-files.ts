// Says which files of a folder are no images that gnr reads.
import { shownPath } from '../base/file-names.js';
import { countsText, type FileCounts } from '../data/folder.js';
import { printError } from './output.js';

/** Returns a function that prints what of a folder is left out, once for each folder. */
export function noteOtherFiles(): (folder: string, counts: FileCounts) => void {
  const noted = new Set<string>();
  return (folder, counts) => {
    if (noted.has(folder)) return;
    noted.add(folder);
    printError(
      `gnr: left out of ${shownPath(folder)}, as files that are no images gnr reads: ${countsText(counts)}`,
    );
  };
}
