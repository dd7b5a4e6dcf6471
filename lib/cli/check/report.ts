import { printable } from '../../errors.js'
import type { Colors } from '../terminal/colors.js'
import { wrap } from '../terminal/wrap.js'
import type { StepResult } from './finding.js'

const NAME_WIDTH = 12
const INDENT = '    '

/** Prints each step on stderr when it ends. stdout is for `--json`. */
export class Report {
  readonly #colors: Colors

  constructor(colors: Colors) {
    this.#colors = colors
  }

  step(result: StepResult): void {
    const { success, failure, faint } = this.#colors
    const name = result.step.padEnd(NAME_WIDTH)
    const time = `${result.seconds.toFixed(2)} s`.padStart(7)
    if (result.status === 'skipped') print(faint(`- ${name}          not reached`))
    if (result.status === 'passed')
      print(`${success('✔')} ${name} ${faint(time)}  ${printable(result.finding.summary)}`)
    if (result.status !== 'failed') return
    print(`${failure('✖')} ${name} ${faint(time)}  ${failure(result.code)}`)
    print(wrap(`${printable(result.message)}\nMore: ${result.section}`, INDENT))
  }

  /**
   * Prints what a program may do differently.
   * @param section where to read more
   */
  notes(notes: readonly string[], section: string | undefined): void {
    if (notes.length > 0) print('A program may differ from this check:')
    for (const note of notes) print(wrap(note, INDENT))
    if (section) print(wrap(`More: ${section}`, INDENT))
  }
}

const print = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
