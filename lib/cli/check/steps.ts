import { debugError } from '../terminal/debug.js'
import type { StepName } from '../terminal/exit-codes.js'
import { codeOf, messageOf, sectionAt, sectionFor } from '../terminal/failure.js'
import { Spinner } from '../terminal/spinner.js'
import type { Finding, StepResult } from './finding.js'
import type { Report } from './report.js'

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
