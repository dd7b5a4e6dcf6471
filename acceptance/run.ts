import { masker } from './mask.js'
import { type Finding, findOut, type Question, questionsFor } from './question.js'
import { closeAfterExpiry, openBeforeExpiry } from './questions/expiry.js'
import { Session } from './session.js'
import type { Target } from './target.js'

type After = (() => void) | undefined

/** Asks a target all questions that apply to it. The findings can be published. */
export async function askAll(
  target: Target,
  questions: readonly Question[],
  /** Called before each question. Returns a function to call after it. */
  around: (question: Question) => After | Promise<After> = () => undefined,
): Promise<Finding[]> {
  const session = new Session(target)
  const findings: Finding[] = []
  if (target.long) await openBeforeExpiry(session)
  try {
    for (const question of questionsFor(questions, target)) {
      const after = await around(question)
      findings.push(await findOut(question, session))
      after?.()
    }
  } finally {
    await closeAfterExpiry(session)
  }
  // Masked at the end, when every secret is known.
  const names = new Map([
    [target.host, 'host'],
    [target.name, 'target'],
    [target.dial.host, 'dialled host'],
    ...[...target.dbGroups, target.dbUser, target.otherDatabase].flatMap(name =>
      name ? [[name, 'name'] as const] : [],
    ),
  ])
  const mask = masker(session.secrets, names)
  return findings.map(finding => ({ ...finding, answer: mask(finding.answer), expected: mask(finding.expected) }))
}
