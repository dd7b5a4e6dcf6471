import type { StepName } from '../terminal/exit-codes.js'

/** What a step found: a line for people, and the details for `--json`. */
export interface Finding {
  readonly summary: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The result of a step. */
export type StepResult = { readonly step: StepName; readonly seconds: number } & (
  | { readonly status: 'passed'; readonly finding: Finding }
  | { readonly status: 'failed'; readonly code: string; readonly message: string; readonly section: string }
  | { readonly status: 'skipped' }
)

/** Returns what a previous step found. A step runs only after the steps that it needs have passed. */
export function required<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('A step ran before one that it needs.')
  return found
}
