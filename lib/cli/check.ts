import { checkAws } from './check-aws.js'
import { Report } from './check-report.js'
import { checkServer } from './check-server.js'
import { STEP_EXIT_CODES, type StepName } from './exit-codes.js'
import { codeOf, messageOf, sectionAt, sectionFor } from './failure.js'
import type { Flags } from './flags.js'
import { paintFor, Spinner } from './terminal.js'

export interface CheckFlags extends Flags {
  json?: boolean
}

/** What a step found: a line for people, and the same in parts for machines. */
export interface Finding {
  readonly text: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** What became of a step. */
export type StepResult = { readonly step: StepName; readonly seconds: number } & (
  | ({ readonly status: 'passed' } & Finding)
  | { readonly status: 'failed'; readonly code: string; readonly message: string; readonly section: string }
  | { readonly status: 'skipped' }
)

/** Runs the steps in order. One whose `needs` has failed or was skipped is skipped itself, and rejects with {@link Skipped}. */
export interface StepRunner {
  step<T extends Finding>(
    name: StepName,
    label: string,
    needs: readonly StepName[],
    work: () => Promise<T>,
  ): Promise<T | undefined>
}

/** `check`: goes through every step up to a query, and says where it fails. */
export async function check(flags: CheckFlags): Promise<void> {
  const results: StepResult[] = []
  const report = new Report(paintFor(flags.color, process.stderr))
  const spinner = new Spinner()
  const passed = (name: StepName) => results.some(({ step, status }) => step === name && status === 'passed')

  const runner: StepRunner = {
    async step(step, label, needs, work) {
      const began = performance.now()
      const seconds = () => Math.round(performance.now() - began) / 1_000
      const add = (result: StepResult): void => {
        spinner.stop()
        results.push(result)
        report.step(result)
      }
      if (!needs.every(passed)) return void add({ step, seconds: 0, status: 'skipped' })
      spinner.start(label)
      try {
        const finding = await work()
        add({ step, seconds: seconds(), status: 'passed', ...finding })
        return finding
      } catch (error) {
        const code = codeOf(error) ?? 'UNEXPECTED'
        const section = sectionFor(error) ?? sectionAt(`step-${step}`)
        add({ step, seconds: seconds(), status: 'failed', code, message: messageOf(error), section })
        if (flags.debug && error instanceof Error) process.stderr.write(`debug: ${error.stack}\n`)
        return undefined
      }
    },
  }

  const found = await checkAws(flags, runner)
  try {
    await checkServer(flags, runner, found)
  } finally {
    await found?.source?.close()
  }
  const failed = results.find(({ status }) => status === 'failed')
  process.exitCode = failed ? STEP_EXIT_CODES[failed.step] : 0
  if (flags.json) process.stdout.write(`${JSON.stringify(toJson(results, process.exitCode), null, 2)}\n`)
  else if (!failed) process.stdout.write('All steps passed.\n')
}

const toJson = (results: readonly StepResult[], exitCode: number): object => ({
  ok: exitCode === 0,
  exitCode,
  steps: results.map(result => ({
    step: result.step,
    status: result.status,
    seconds: result.seconds,
    ...(result.status === 'passed' && { finding: result.text, ...result.details }),
    ...(result.status === 'failed' && {
      exitCode: STEP_EXIT_CODES[result.step],
      code: result.code,
      message: result.message,
      section: result.section,
    }),
  })),
})
