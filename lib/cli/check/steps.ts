import { debugError } from '../terminal/debug.js'
import type { StepName } from '../terminal/exit-codes.js'
import { codeOf, messageOf, StepError, sectionAt, sectionFor } from '../terminal/failure.js'
import { Spinner } from '../terminal/spinner.js'
import type { Finding, StepResult } from './finding.js'
import type { Report } from './report.js'

/** Runs one step after the other, and collects and reports the results. */
export class Steps {
  readonly results: StepResult[] = []
  readonly #report: Report
  readonly #spinner = new Spinner()

  constructor(report: Report) {
    this.#report = report
  }

  /**
   * @param activity what the spinner shows
   * @param needs the steps that must have passed; otherwise this one is skipped
   * @returns undefined if the step failed or was skipped
   */
  async run<T extends Finding>(
    step: StepName,
    activity: string,
    needs: readonly StepName[],
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    if (!needs.every(need => this.#hasPassed(need))) return this.#add({ step, seconds: 0, status: 'skipped' })
    const start = performance.now()
    const seconds = () => Math.round(performance.now() - start) / 1_000
    this.#spinner.start(activity)
    try {
      const finding = await work()
      this.#add({ step, seconds: seconds(), status: 'passed', finding })
      return finding
    } catch (error) {
      const code = codeOf(error) ?? 'UNEXPECTED'
      const ofStep = sectionAt(`step-${step}`)
      const section = error instanceof StepError ? ofStep : (sectionFor(error) ?? ofStep)
      this.#add({ step, seconds: seconds(), status: 'failed', code, message: messageOf(error), section })
      debugError(error)
      return undefined
    }
  }

  #hasPassed(name: StepName): boolean {
    return this.results.some(({ step, status }) => step === name && status === 'passed')
  }

  #add(result: StepResult): undefined {
    this.#spinner.stop()
    this.results.push(result)
    this.#report.step(result)
  }
}
