// Runs commands on much more than tests do, and holds their memory against budgets. CONTRIBUTING.md says how to use it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { runTask, TASK_NAMES } from './tasks.mjs';

const { values } = parseArgs({
  options: {
    program: { type: 'string', default: path.resolve(import.meta.dirname, '..', '..', 'dist') },
    only: { type: 'string', multiple: true, default: [] },
    short: { type: 'boolean', default: false },
    json: { type: 'string' },
    task: { type: 'string' },
  },
});

/** Runs a task in a process of its own, whose memory is that task's alone. */
function start(name, folder) {
  const answer = path.join(folder, 'answer.json');
  const request = { name, folder, program: path.resolve(values.program), isLong: !values.short };
  const words = ['--expose-gc', import.meta.filename, '--task', JSON.stringify({ ...request, answer })];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(fs.readFileSync(answer, 'utf8')));
      else resolve({ name, figures: {}, wrong: [`it ended with ${code ?? signal}`] });
    });
  });
}

async function runAll() {
  const results = [];
  for (const name of TASK_NAMES) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'gnr-soak-'));
    try {
      const result = await start(name, folder);
      results.push(result);
      const { skipped, figures, wrong } = result;
      const verdict = skipped ? `SKIPPED, ${skipped}` : wrong.length === 0 ? 'within its budgets' : 'WRONG';
      process.stdout.write(`${name}: ${verdict}\n`);
      for (const [what, figure] of Object.entries(figures)) process.stdout.write(`  ${what}: ${figure}\n`);
      for (const problem of wrong) process.stdout.write(`  WRONG: ${problem}\n`);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  if (values.json) fs.writeFileSync(values.json, JSON.stringify(results));
  process.exitCode = results.some(({ wrong }) => wrong.length > 0) ? 1 : 0;
}

if (values.task === undefined) await runAll();
else {
  const { answer, ...request } = JSON.parse(values.task);
  fs.writeFileSync(answer, JSON.stringify(await runTask(request)));
  process.exit(0);
}
