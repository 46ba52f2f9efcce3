// Makes calls of the file system fail, or runs code before them.
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type Call = (...args: unknown[]) => Promise<unknown>;

/** Calls of `node:fs/promises` that take a path first, and those of its open files. */
const PATH_CALLS = [
  'open',
  'mkdir',
  'rename',
  'symlink',
  'readdir',
  'readFile',
  'writeFile',
  'link',
] as const;
const FILE_CALLS = ['write', 'sync', 'appendFile', 'truncate'] as const;

export type FileCall = (typeof PATH_CALLS)[number] | (typeof FILE_CALLS)[number];

/**
 * Runs `act(path)` before every call of that name on a matching path (for `rename` the new path), in all code of this
 * process. If `act` throws, the call rejects with its error.
 * @returns a function that restores the original calls.
 */
export async function beforeFileCall(
  call: FileCall,
  pattern: RegExp,
  act: (path: string) => void,
): Promise<() => void> {
  const module = fs as unknown as Record<string, Call>;
  const undo: (() => void)[] = [];
  const replace = (target: Record<string, Call>, name: string, make: (original: Call) => Call) => {
    const original = target[name]!;
    target[name] = make(original);
    undo.push(() => {
      target[name] = original;
    });
  };
  const check = (path: unknown) => {
    if (pattern.test(String(path))) act(String(path));
  };
  if ((PATH_CALLS as readonly string[]).includes(call)) {
    replace(module, call, (original) => async (...args) => {
      check(call === 'rename' || call === 'symlink' || call === 'link' ? args[1] : args[0]);
      return original(...args);
    });
  } else {
    const paths = new WeakMap<object, unknown>();
    const handle = await fs.open('/dev/null');
    const prototype = Object.getPrototypeOf(handle) as Record<string, Call>;
    await handle.close();
    replace(module, 'open', (original) => async (...args) => {
      const opened = (await original(...args)) as FileHandle;
      paths.set(opened, args[0]);
      return opened;
    });
    replace(
      prototype,
      call,
      (original) =>
        async function (this: object, ...args) {
          check(paths.get(this));
          return original.apply(this, args);
        },
    );
  }
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.reverse()) step();
    syncBuiltinESMExports();
  };
}

/** The error with which Node rejects a call that the system rejects. */
export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: rejected, ${syscall}`), { code, syscall });
}

/** Makes every matching call fail with a system code while `work` runs. @returns the number of failed calls. */
export async function withFailingCalls(
  code: string,
  call: FileCall,
  pattern: RegExp,
  work: () => Promise<unknown>,
): Promise<number> {
  let failed = 0;
  const undo = await beforeFileCall(call, pattern, () => {
    failed++;
    throw systemError(code, call);
  });
  try {
    await work();
  } finally {
    undo();
  }
  return failed;
}
