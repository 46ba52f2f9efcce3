// Commands to go on with after `gnr demo`.
import { access } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEMO_FAMILY } from '../../demo/demo.js';
import { PAGE_FOLDER } from '../../serve/page.js';

/** Sections of commands, as the terminal and the page show them. */
export type DemoCommands = readonly { title: string; explanation: string; lines: readonly string[] }[];

const CONFIG = fileURLToPath(new URL('../../../configs/demo-finetune.json', import.meta.url));

/** A path as a word of a shell, relative to the working directory if that is shorter. */
function word(path: string): string {
  const near = relative('', path);
  const short = near !== '' && near.length < path.length ? near : path;
  return /^[\w./-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`;
}

/** Commands that translate an own photo, teach an own style, and open the page, for a demo in `outDir`. */
export async function demoCommands(outDir: string, model: string): Promise<DemoCommands> {
  const tuned = word(join(outDir, 'fine-tuned'));
  const photos = word(join(outDir, DEMO_FAMILY, 'trainA'));
  const hasPage = await access(join(PAGE_FOLDER, 'index.html')).then(
    () => true,
    () => false,
  );
  return [
    {
      title: 'Your own photo',
      explanation: 'finds the face in me.jpg and draws it in eight styles.',
      lines: [`npx gnr translate me.jpg --checkpoint ${tuned} --out anime --styles 8 --grid`],
    },
    {
      title: 'Your own style',
      explanation:
        'two commands make the folders; put 25 or more pictures of faces in that style into mine/trainB, then train.',
      lines: [
        'mkdir -p mine/trainB',
        `cp -r ${photos} mine/`,
        `npx gnr train --init ${word(model)} --config ${word(CONFIG)} --out runs/mine --set data.root=mine`,
        'npx gnr translate me.jpg --checkpoint runs/mine --out mine/anime --styles 8 --grid',
      ],
    },
    {
      title: 'The page',
      explanation: 'translates photos and the camera in your browser; pictures stay on this machine.',
      lines: [...(hasPage ? [] : ['npm run build:web']), `npx gnr serve --checkpoint ${tuned} --open`],
    },
  ];
}
