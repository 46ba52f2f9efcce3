/** What a set-up tells while it runs. */
export type SetupEvent =
  | { kind: 'step'; text: string }
  /** `done` and `total` in bytes, within the step of this label. */
  | { kind: 'progress'; label: string; done: number; total: number }
  | { kind: 'warning'; text: string };

export type OnSetupEvent = (event: SetupEvent) => void;
