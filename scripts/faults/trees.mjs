// Folders as tables of what is in them.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** What lies below a folder: by its path there, the hash of a file, the target of a link, or `folder`. */
export function readTree(root) {
  const tree = new Map();
  if (!fs.existsSync(root)) return tree;
  for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    const full = path.join(entry.parentPath, entry.name);
    const name = path.relative(root, full);
    if (entry.isSymbolicLink()) tree.set(name, `-> ${fs.readlinkSync(full)}`);
    else if (entry.isDirectory()) tree.set(name, 'folder');
    else tree.set(name, createHash('sha256').update(fs.readFileSync(full)).digest('hex').slice(0, 16));
  }
  return tree;
}

/** The entries of a tree that are `name` or lie below it, by their paths from there. */
export function branchOf(tree, name) {
  const found = new Map();
  for (const [key, value] of tree)
    if (key === name || key.startsWith(`${name}/`)) found.set(key.slice(name.length), value);
  return found;
}

/** Where two trees differ, in words; empty if they are equal. */
export function differences(ours, theirs) {
  const found = [];
  for (const [key, value] of theirs)
    if (ours.get(key) !== value) found.push(`${key || '.'} ${ours.has(key) ? 'differs' : 'is missing'}`);
  // What lies in a folder that is left is left with it.
  for (const key of ours.keys())
    if (!theirs.has(key) && !(ours.get(path.dirname(key)) === 'folder' && !theirs.has(path.dirname(key))))
      found.push(`${key || '.'} is left`);
  return found;
}

/** Copies a folder with its links as they are; replaces the target. */
export function copyTree(from, to) {
  fs.rmSync(to, { recursive: true, force: true });
  fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}
