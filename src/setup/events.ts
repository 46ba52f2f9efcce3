// The events of a set-up.

/** An event of a running set-up. */
export type SetupEvent =
  | { kind: 'step'; text: string }
  /** Progress of the step with this label; `done` and `total` in bytes. */
  | { kind: 'progress'; label: string; done: number; total: number }
  | { kind: 'warning'; text: string };

export type OnSetupEvent = (event: SetupEvent) => void;
