import type { Session } from './session.js'
import type { Target } from './target.js'

/** What a fact rests on, until a real cluster has been asked. */
export type Basis =
  /** AWS's documentation, models, drivers or tests. */
  | 'documents'
  /** Output that somebody published. */
  | 'transcripts'
  /** Nothing was found. */
  | 'open'

/** Something that only a real cluster can settle. */
export interface Question {
  readonly id: string
  readonly asks: string
  readonly basis: Basis
  /** Where the expectation comes from. */
  readonly source: string
  /** The rule of ours that depends on it, and its file. */
  readonly rule: { readonly text: string; readonly file: string }
  /** Why the code is right whatever the answer is, or what would break. */
  readonly eitherWay: string
  /** What to change where the answer is another one. */
  readonly change: string
  /** The emulator's behaviour. */
  readonly expected: (target: Target) => string
  /** Only for one kind of target. Default: both. */
  readonly only?: Target['kind'] | undefined
  /** It waits for a login to expire. */
  readonly long?: boolean | undefined
  /** Asks. Throws `NotAsked` where it cannot. */
  readonly ask: (session: Session) => Promise<string>
}

/** Why a question could not be asked here. */
export class NotAsked extends Error {}

export type Verdict = 'as expected' | 'other than expected' | 'not asked'

/** A question and what came of it. */
export interface Finding {
  readonly question: Question
  readonly verdict: Verdict
  readonly expected: string
  /** The answer, or why there is none. */
  readonly answer: string
}

/** Which questions are for this target. */
export const questionsFor = (questions: readonly Question[], target: Target): Question[] =>
  questions.filter(({ only, long }) => (only === undefined || only === target.kind) && (!long || target.long))

/** Asks one question. Whatever fails is an answer too: it is shown, and is other than expected. */
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
