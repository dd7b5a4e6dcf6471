/** A unit of a figure, and how it is written. */
export type Unit =
  | 'ns'
  | 'µs'
  | 'ms'
  | 's'
  | '×'
  | 'calls'
  | 'calls/s'
  | 'commands'
  | 'connections'
  | 'bytes'
  | 'kB'
  | 'MB'

/** One measured value. */
export interface Figure {
  /** Figures with the same value are in one table. Default: the first table. */
  readonly table?: string
  readonly subject: string
  readonly metric: string
  readonly value: number
  /** A second value, shown in brackets. The metric explains it. */
  readonly also?: number
  readonly unit: Unit
}

/** A target and the measured value. */
export interface Check {
  readonly what: string
  readonly value: number
  readonly unit: Unit
  readonly relation: '≤' | '=' | '≥'
  readonly limit: number
  /** A count, which noise does not change: a quick run checks it without tolerance. */
  readonly exact: boolean
  /** The limit of a quick run, if the usual tolerance is too large to detect anything. */
  readonly quickLimit?: number
}

/** The results of a bench. Its picture is drawn from `plot`. */
export interface Result {
  readonly figures: readonly Figure[]
  readonly checks: readonly Check[]
  readonly notes?: readonly string[]
  readonly plot?: unknown
}

/** How to run a bench. */
export interface Setting {
  /** In seconds instead of minutes, for CI: fewer rounds, or a smaller case. */
  readonly quick: boolean
  readonly log: (line: string) => void
}

/** One bench: a file, and a section in docs/performance.md. */
export interface Bench {
  readonly name: string
  readonly title: string
  /** What is measured, how, and compared with what. Markdown. */
  readonly about: string
  /** What the figures do not show. Markdown. */
  readonly limitations: string
  /** Whether `--quick` without `--only` runs it. */
  readonly cheap: boolean
  readonly run: (setting: Setting) => Promise<Result>
}

const TOLERANCE = 2

/** Whether a check holds. In a quick run, measured figures have a tolerance: it should detect disasters, not noise. */
export function holds(check: Check, quick: boolean): boolean {
  const { value, relation, exact, quickLimit } = check
  if (quick && quickLimit !== undefined) return relation === '≤' ? value <= quickLimit : value >= quickLimit
  const { limit } = check
  const tolerance = quick && !exact ? TOLERANCE : 1
  if (relation === '=') return value === limit
  return relation === '≤' ? value <= limit * tolerance : value >= limit / tolerance
}
