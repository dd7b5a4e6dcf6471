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

/** One measured figure: whose it is, what it is, and the value. */
export interface Figure {
  /** Figures of one table; one table where it is left out. */
  readonly table?: string
  readonly subject: string
  readonly metric: string
  readonly value: number
  /** A second value that goes with it, in brackets: the metric says what it is. */
  readonly also?: number
  readonly unit: Unit
}

/** A target, and whether it was reached. */
export interface Check {
  readonly what: string
  readonly value: number
  readonly unit: Unit
  readonly relation: '≤' | '=' | '≥'
  readonly limit: number
  /** A count, to which noise adds nothing: it gets no room in a quick run. */
  readonly exact: boolean
  /** The limit of a quick run, where the usual room would guard against nothing. */
  readonly quickLimit?: number
}

/** What a bench has found. `plot` is what its picture is drawn from. */
export interface Result {
  readonly figures: readonly Figure[]
  readonly checks: readonly Check[]
  readonly notes?: readonly string[]
  readonly plot?: unknown
}

/** How a bench is to be run. */
export interface Setting {
  /** In seconds instead of minutes, for CI: fewer rounds, or a smaller case. */
  readonly quick: boolean
  readonly log: (line: string) => void
}

/** One bench: a file of its own, a row in the table of docs/performance.md. */
export interface Bench {
  readonly name: string
  readonly title: string
  /** What is measured, how, and against what. Markdown. */
  readonly about: string
  /** What the figures do not show. Markdown. */
  readonly silence: string
  /** Whether `--quick` without `--only` runs it. */
  readonly cheap: boolean
  readonly run: (setting: Setting) => Promise<Result>
}

const ROOM = 2

/** Whether a check holds. In a quick run, measured figures get room: they guard against disasters, not against noise. */
export function holds(check: Check, quick: boolean): boolean {
  const { value, relation, exact, quickLimit } = check
  if (quick && quickLimit !== undefined) return relation === '≤' ? value <= quickLimit : value >= quickLimit
  const { limit } = check
  const room = quick && !exact ? ROOM : 1
  if (relation === '=') return value === limit
  return relation === '≤' ? value <= limit * room : value >= limit / room
}
