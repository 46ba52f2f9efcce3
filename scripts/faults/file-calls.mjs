// Sees every call of this process that changes something below a folder, before it happens.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const promises = fs.promises;
/** Calls that take the path that they change first, and those that take it second. */
const FIRST = ['unlink', 'rmdir', 'mkdir'];
const SECOND = ['rename', 'link', 'symlink', 'copyFile'];
const HANDLE_CALLS = ['write', 'writev', 'writeFile', 'appendFile', 'truncate', 'sync', 'datasync'];
const LINK_OF_HANDLE = (handle) => `/proc/self/fd/${handle.fd}`;

const isWriting = (flags) => (typeof flags === 'number' ? (flags & 3) !== 0 : /[wa+]/.test(flags ?? 'r'));

/**
 * Calls `before({ call, path, from })` before each call that changes something below `root`. What it throws is what the
 * call rejects with. A call that does several things (writing a whole file, removing a folder) is made of its parts, so
 * that `before` sees the moments between them; of many writes to one file in a row it sees the first two.
 * @returns a function that restores the original calls.
 */
export async function watchCalls(root, before) {
  const undo = [];
  const replace = (target, name, make) => {
    const original = target[name];
    target[name] = make(original);
    undo.push(() => {
      target[name] = original;
    });
  };
  const written = { path: '', times: 0 };
  const see = (call, changed, from) => {
    if (typeof changed !== 'string' && !(changed instanceof URL)) return;
    const full = path.resolve(String(changed));
    if (full !== root && !full.startsWith(`${root}/`)) return;
    written.times = /^(write|append)/.test(call) && written.path === full ? written.times + 1 : 0;
    written.path = full;
    if (written.times < 2) before({ call, path: full, from });
  };
  for (const name of FIRST)
    replace(promises, name, (original) => async (target, ...rest) => {
      see(name, target);
      return original(target, ...rest);
    });
  for (const name of SECOND)
    replace(promises, name, (original) => async (from, to, ...rest) => {
      see(name, to, path.resolve(from));
      return original(from, to, ...rest);
    });
  replace(promises, 'open', (original) => async (target, flags, ...rest) => {
    if (isWriting(flags)) see('open', target);
    return original(target, flags, ...rest);
  });
  for (const [name, usual] of [
    ['writeFile', 'w'],
    ['appendFile', 'a'],
  ])
    replace(promises, name, (original) => async (target, data, options) => {
      if (typeof target !== 'string') return original(target, data, options);
      const handle = await promises.open(target, options?.flag ?? usual, options?.mode);
      try {
        await handle.writeFile(data);
      } finally {
        await handle.close();
      }
    });
  const removeParts = async (target, options) => {
    const stats = await promises.lstat(target).catch(() => undefined);
    if (stats === undefined && options?.force) return;
    if (!stats?.isDirectory()) return promises.unlink(target);
    for (const name of await promises.readdir(target)) await removeParts(path.join(target, name), options);
    await promises.rmdir(target);
  };
  replace(promises, 'rm', () => removeParts);

  const sample = await promises.open('/dev/null');
  const prototype = Object.getPrototypeOf(sample);
  await sample.close();
  for (const name of HANDLE_CALLS)
    replace(
      prototype,
      name,
      (original) =>
        async function (...args) {
          see(name.replace('datasync', 'sync'), fs.readlinkSync(LINK_OF_HANDLE(this)));
          return original.apply(this, args);
        },
    );
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.reverse()) step();
    syncBuiltinESMExports();
  };
}
