import type { Session } from './session.js'
import type { Target } from './target.js'

/** The source of a fact. */
export type Basis =
  /** AWS's documentation, models, drivers or tests. */
  | 'documents'
  /** Published output of a real cluster. */
  | 'transcripts'
  /** No source. */
  | 'open'

/** A fact about Redshift that a real cluster can confirm. */
export interface Question {
  readonly id: string
  readonly asks: string
  readonly basis: Basis
  /** The source of the expectation. */
  readonly source: string
  /** The rule that depends on it, and its file. */
  readonly rule: { readonly text: string; readonly file: string }
  /** What happens if the fact is wrong. */
  readonly eitherWay: string
  /** What to change if the fact is wrong. */
  readonly change: string
  /** The emulator's behaviour. */
  readonly expected: (target: Target) => string
  /** Only for one kind of target. Default: both. */
  readonly only?: Target['kind'] | undefined
  /** Whether it waits for a login to expire. */
  readonly long?: boolean | undefined
  /** Returns the answer. Throws `NotAsked` if it cannot be found. */
  readonly ask: (session: Session) => Promise<string>
}

/** Why a question could not be asked on this target. */
export class NotAsked extends Error {}

export type Verdict = 'as expected' | 'other than expected' | 'not asked'

/** A question and its result. */
export interface Finding {
  readonly question: Question
  readonly verdict: Verdict
  readonly expected: string
  /** The answer, or why there is none. */
  readonly answer: string
}

/** The questions that apply to this target. */
export const questionsFor = (questions: readonly Question[], target: Target): Question[] =>
  questions.filter(({ only, long }) => (only === undefined || only === target.kind) && (!long || target.long))

/** Asks one question. An error is also an answer, other than expected. */
export async function findOut(question: Question, session: Session): Promise<Finding> {
  const expected = question.expected(session.target)
  try {
    const answer = await question.ask(session)
    return { question, expected, answer, verdict: answer === expected ? 'as expected' : 'other than expected' }
  } catch (error) {
    const answer = error instanceof Error ? error.message : String(error)
    return { question, expected, answer, verdict: error instanceof NotAsked ? 'not asked' : 'other than expected' }
  }
}
