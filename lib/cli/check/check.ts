import type { Flags } from '../flags.js'
import { colorsFor } from '../terminal/colors.js'
import { STEP_EXIT_CODES } from '../terminal/exit-codes.js'
import { sectionAt } from '../terminal/failure.js'
import { checkAws } from './aws-steps.js'
import type { StepResult } from './finding.js'
import { COMMON_MISTAKES, settingsIgnoredByPrograms } from './notes.js'
import { Report } from './report.js'
import { checkServer } from './server-steps.js'
import { Steps } from './steps.js'

export interface CheckFlags extends Flags {
  json?: boolean
}

/** `check`: runs every step up to a query, and reports which one fails. */
export async function check(flags: CheckFlags): Promise<void> {
  const report = new Report(colorsFor(flags.color, process.stderr))
  const steps = new Steps(report)
  const found = await checkAws(flags, steps)
  try {
    await checkServer(flags, steps, found)
  } finally {
    await found?.source.close()
  }
  const failed = steps.results.find(({ status }) => status === 'failed')
  process.exitCode = failed ? STEP_EXIT_CODES[failed.step] : 0
  const notes = [...settingsIgnoredByPrograms(flags, found?.source), ...(failed ? [] : COMMON_MISTAKES)]
  report.notes(notes, failed ? undefined : sectionAt('check-passes-my-program-fails'))
  if (flags.json) process.stdout.write(`${JSON.stringify(toJson(steps.results, process.exitCode, notes), null, 2)}\n`)
  else if (!failed) process.stdout.write('All steps passed.\n')
}

const toJson = (results: readonly StepResult[], exitCode: number, notes: readonly string[]): object => ({
  ok: exitCode === 0,
  exitCode,
  steps: results.map(result => {
    const { step, status, seconds } = result
    if (result.status === 'passed')
      return { step, status, seconds, finding: result.finding.summary, ...result.finding.details }
    if (result.status === 'skipped') return { step, status }
    const { code, message, section } = result
    return { step, status, seconds, exitCode: STEP_EXIT_CODES[step], code, message, section }
  }),
  notes,
})
