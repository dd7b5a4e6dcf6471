import type { StepName } from '../terminal/exit-codes.js'

/** What a step found: a line for people, and the same in parts for machines. */
export interface Finding {
  readonly text: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** What became of a step. */
export type StepResult = { readonly step: StepName; readonly seconds: number } & (
  | { readonly status: 'passed'; readonly finding: Finding }
  | { readonly status: 'failed'; readonly code: string; readonly message: string; readonly section: string }
  | { readonly status: 'skipped' }
)

/** What an earlier step has found, for one that needs it. */
export function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('A step was run before one that it needs.')
  return found
}
