// Errors that explain why the CUDA build of TensorFlow has no GPU to compute on.
import { InputError } from '../base/errors.js';
import { type AddonCheckOptions, type ComputeError, gpuLog } from './check-addon.js';
import type { OnSetupEvent } from './events.js';
import { type GpuProblem, type GpuSurvey, problemOfLog, problemOfSurvey } from './gpus.js';

/** The user asked for the GPU build, but TensorFlow finds no GPU that it can use. */
export class NoGpuError extends InputError {
  readonly problem: GpuProblem;

  constructor(problem: GpuProblem, options?: ErrorOptions) {
    const alternatives =
      'npx gnr setup --device cpu installs the CPU build, and GNR_GPU_OPTIONAL=1 installs this one without a GPU';
    super(
      {
        expected: 'an NVIDIA GPU that TensorFlow can use',
        found: problem.found,
        remedy: `${problem.remedy}; ${alternatives}`,
      },
      options,
    );
    this.problem = problem;
  }
}

/** Checks before the download. @throws NoGpuError if it is clear that no GPU can be used. */
export function rejectUnusable(survey: GpuSurvey): void {
  const problem = problemOfSurvey(survey);
  if (problem) throw new NoGpuError(problem);
}

interface Findings {
  survey: GpuSurvey;
  onEvent: OnSetupEvent;
  /** The operation that failed on a GPU that TensorFlow did use. */
  failure: ComputeError | undefined;
}

/** Runs the check again with TensorFlow's log and reports its lines about GPUs. @returns the error for their cause. */
export async function explainNoGpu(check: AddonCheckOptions, findings: Findings): Promise<NoGpuError> {
  const { survey, onEvent, failure } = findings;
  const lines = await gpuLog(check);
  for (const text of lines) onEvent({ kind: 'warning', text: `TensorFlow says: ${text}` });
  const problem = problemOfSurvey(survey) ?? problemOfLog(lines, survey);
  if (!failure) return new NoGpuError(problem);
  return new NoGpuError(
    { ...problem, found: `one that fails: ${failure.message.replace(/\.$/, '')}; ${problem.found}` },
    { cause: failure },
  );
}
