import { printable } from '../../errors.js'
import { type Paint, wrapped } from '../terminal/terminal.js'
import type { StepResult } from './finding.js'

const NAME_WIDTH = 12

/** Prints the steps on stderr as they end: stdout is for what machines read. */
export class Report {
  readonly #paint: Paint

  constructor(paint: Paint) {
    this.#paint = paint
  }

  step(result: StepResult): void {
    const { good, bad, faint } = this.#paint
    const name = result.step.padEnd(NAME_WIDTH)
    const time = `${result.seconds.toFixed(2)} s`.padStart(7)
    if (result.status === 'skipped') print(faint(`- ${name}          not reached`))
    if (result.status === 'passed') print(`${good('✔')} ${name} ${faint(time)}  ${printable(result.finding.text)}`)
    if (result.status !== 'failed') return
    print(`${bad('✖')} ${name} ${faint(time)}  ${bad(result.code)}`)
    print(wrapped(`${printable(result.message)}\nMore: ${result.section}`, '    '))
  }

  /**
   * What a program may have different.
   * @param section where there is more on it
   */
  notes(notes: readonly string[], section: string | undefined): void {
    if (notes.length > 0) print('A program may have different:')
    for (const note of notes) print(wrapped(note, '    '))
    if (section) print(wrapped(`More: ${section}`, '    '))
  }
}

const print = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
