// Evaluates every checkpoint of a run, for the curves of its figures over the steps.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError } from '../base/errors.js';
import { removeLeftovers } from '../base/leftovers.js';
import { parseStepName, stepName } from '../base/step-names.js';
import { writeJson } from '../base/write-json.js';
import { SOLO } from '../distributed/world.js';
import { readModel } from '../translate/model.js';
import { type Evaluation, type EvaluationRequest, runEvaluation } from './evaluation.js';
import type { OpenMetricResources } from './metric-resources.js';
import { type CurvePoint, metricCurvesPage } from './report/curves-page.js';

/** Returns the checkpoints of a run in order. @throws InputError for a folder without any. */
export async function checkpointsOf(runDir: string): Promise<{ step: number; dir: string }[]> {
  const folder = join(runDir, 'checkpoints');
  const names = await readdir(folder).catch(() => []);
  const found = names.flatMap((name) => {
    const step = parseStepName(name);
    return step === undefined ? [] : [{ step, dir: join(folder, name) }];
  });
  if (found.length > 0) return found.sort((a, b) => a.step - b.step);
  throw new InputError({
    expected: `a run with checkpoints at ${runDir}`,
    found: 'none',
    remedy: 'name the folder that gnr train --out wrote (checkpoint.keepEverySteps keeps more of them)',
  });
}

async function isDamaged(dir: string): Promise<boolean> {
  return readModel(dir).then(
    () => false,
    () => true,
  );
}

/**
 * Evaluates the checkpoints of a run one after another. Writes each receipt as soon as it is measured
 * (`OUT/step-000500.json`), and `OUT/curves.html` at the end. Damaged checkpoints are reported to `onSkipped` and
 * skipped.
 *
 * @throws InputError like `runEvaluation`.
 */
export async function evaluateCheckpoints(
  runDir: string,
  out: string,
  request: Omit<EvaluationRequest, 'checkpoint' | 'fakes' | 'baselines'>,
): Promise<CurvePoint[]> {
  const points: CurvePoint[] = [];
  const { world = SOLO } = request;
  const { isFirst } = world;
  if (isFirst) await removeLeftovers(out, { kind: 'tmp' });
  let resources: OpenMetricResources | undefined;
  try {
    const checkpoints = await world.broadcastValue(isFirst ? await checkpointsOf(runDir) : []);
    for (const { step, dir } of checkpoints) {
      const onEvent: EvaluationRequest['onEvent'] = (event) =>
        request.onEvent?.({ ...event, label: `step ${step}: ${event.label}` });
      let evaluation: Evaluation;
      try {
        evaluation = await runEvaluation({
          ...request,
          checkpoint: dir,
          fakes: [],
          baselines: [],
          onEvent,
          resources,
        });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        // It was thrown on all ranks.
        if (!(await world.broadcastValue(isFirst && (await isDamaged(dir))))) throw error;
        request.onSkipped?.(dir, error);
        continue;
      }
      resources = evaluation.resources;
      const { receipt } = evaluation;
      const name = `${stepName(step)}.json`;
      if (isFirst) await writeJson(join(out, name), receipt);
      points.push({ step, figures: receipt.methods[0]!.figures });
    }
  } finally {
    await resources?.close();
  }
  if (isFirst)
    await writeFileAtomic(join(out, 'curves.html'), metricCurvesPage(`Checkpoints of ${runDir}`, points));
  return points;
}
