import type { Report } from './check-report.js'
import { debugError } from './debug.js'
import type { StepName } from './exit-codes.js'
import { codeOf, messageOf, sectionAt, sectionFor } from './failure.js'
import { Spinner } from './terminal.js'

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

/** Runs steps one after the other, shows how it goes, and keeps what came of them. */
export class Steps {
  readonly results: StepResult[] = []
  readonly #report: Report
  readonly #spinner = new Spinner()

  constructor(report: Report) {
    this.#report = report
  }

  /**
   * @param waiting what to show while it runs
   * @param needs steps without which this one makes no sense: unless all have passed, it is skipped
   * @returns undefined where it failed, or was skipped
   */
  async run<T extends Finding>(
    step: StepName,
    waiting: string,
    needs: readonly StepName[],
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    if (!needs.every(need => this.#passed(need))) return this.#add({ step, seconds: 0, status: 'skipped' })
    const began = performance.now()
    const seconds = () => Math.round(performance.now() - began) / 1_000
    this.#spinner.start(waiting)
    try {
      const finding = await work()
      this.#add({ step, seconds: seconds(), status: 'passed', finding })
      return finding
    } catch (error) {
      const code = codeOf(error) ?? 'UNEXPECTED'
      const section = sectionFor(error) ?? sectionAt(`step-${step}`)
      this.#add({ step, seconds: seconds(), status: 'failed', code, message: messageOf(error), section })
      debugError(error)
      return undefined
    }
  }

  #passed(name: StepName): boolean {
    return this.results.some(({ step, status }) => step === name && status === 'passed')
  }

  #add(result: StepResult): undefined {
    this.#spinner.stop()
    this.results.push(result)
    this.#report.step(result)
  }
}

/** What an earlier step has found, for one that needs it. */
export function known<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('A step was run before one that it needs.')
  return found
}
