// Says why the CUDA build of TensorFlow has no GPU to compute on.
import { InputError } from '../base/errors.js';
import { type AddonCheckOptions, type ComputeError, gpuLog } from './check-addon.js';
import type { OnSetupEvent } from './events.js';
import { type GpuProblem, type GpuSurvey, problemOfLog, problemOfSurvey } from './gpus.js';

/** The GPU build was asked for, and TensorFlow finds no GPU that it can use. */
export class NoGpuError extends InputError {
  readonly problem: GpuProblem;

  constructor(problem: GpuProblem, options?: ErrorOptions) {
    const others =
      'npx gnr setup --device cpu takes the CPU build, and GNR_GPU_OPTIONAL=1 sets this one up without a GPU';
    super(
      {
        expected: 'an NVIDIA GPU that TensorFlow can use',
        found: problem.found,
        remedy: `${problem.remedy}; ${others}`,
      },
      options,
    );
    this.problem = problem;
  }
}

/** @throws NoGpuError where it is plain before the download that no GPU can be used. */
export function rejectUnusable(survey: GpuSurvey): void {
  const problem = problemOfSurvey(survey);
  if (problem) throw new NoGpuError(problem);
}

interface Found {
  survey: GpuSurvey;
  onEvent: OnSetupEvent;
  /** What failed on a GPU that TensorFlow did take. */
  failure: ComputeError | undefined;
}

/** Runs the check again with TensorFlow's log, reports the lines that matter, and makes the error that fits the cause. */
export async function explainNoGpu(check: AddonCheckOptions, found: Found): Promise<NoGpuError> {
  const { survey, onEvent, failure } = found;
  const lines = await gpuLog(check);
  for (const text of lines) onEvent({ kind: 'warning', text: `TensorFlow says: ${text}` });
  const problem = problemOfSurvey(survey) ?? problemOfLog(lines, survey);
  if (!failure) return new NoGpuError(problem);
  return new NoGpuError(
    { ...problem, found: `one that fails: ${failure.message.replace(/\.$/, '')}; ${problem.found}` },
    { cause: failure },
  );
}
