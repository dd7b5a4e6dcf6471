import { on } from 'node:events'

/** Colours, or plain text where nobody could see them. */
export interface Paint {
  readonly on: boolean
  good(text: string): string
  bad(text: string): string
  faint(text: string): string
  /** A cell of a table, as the AWS CLI colours it. */
  cell(text: string): string
}

/** `on` and `off` as told; `auto`: on a terminal, unless `NO_COLOR` is set. https://no-color.org */
export function paintFor(color: 'on' | 'off' | 'auto', stream: { readonly isTTY?: boolean }): Paint {
  const on = color === 'on' || (color === 'auto' && stream.isTTY === true && !process.env.NO_COLOR)
  const style = (open: string) => (text: string) => (on ? `\u001b[${open}m${text}\u001b[0m` : text)
  return { on, good: style('32'), bad: style('31'), faint: style('2'), cell: style('1;34') }
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const CLEAR_LINE = '\r\u001b[K'

/** One line on stderr that moves while something is waited for. Only on a terminal. */
export class Spinner {
  #timer: NodeJS.Timeout | undefined
  #shown = false

  start(label: string): void {
    this.stop()
    if (!process.stderr.isTTY) return
    const began = Date.now()
    // What is done in a moment does not flicker.
    this.#timer = setInterval(() => {
      if (asking > 0) return
      const waited = Date.now() - began
      const frame = FRAMES[Math.floor(waited / 100) % FRAMES.length]
      process.stderr.write(`${CLEAR_LINE}${frame} ${label} … ${(waited / 1_000).toFixed(0)} s`)
      this.#shown = true
    }, 100).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#shown) process.stderr.write(CLEAR_LINE)
    this.#shown = false
  }
}

/** How many questions wait for an answer. */
let asking = 0
export const isAsking = (): boolean => asking > 0

/** Whether there is a person to ask, who can read the question. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

const BACKSPACE = ['\b', '\u007f']
const END = ['\r', '\n', '\u0004']
const INTERRUPT = '\u0003'

/** Asks on stderr, and does not show what is typed. Ctrl-C ends the process, as anywhere else on a terminal. */
export async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  asking += 1
  stderr.write(`${CLEAR_LINE}${question}`)
  let typed = ''
  try {
    stdin.setRawMode(true)
    stdin.setEncoding('utf8')
    for await (const part of on(stdin, 'data')) {
      for (const character of String(part[0])) {
        if (character === INTERRUPT) process.kill(process.pid, 'SIGINT')
        if (END.includes(character)) return typed
        typed = BACKSPACE.includes(character) ? typed.slice(0, -1) : typed + character
      }
    }
    return typed
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
    asking -= 1
  }
}

const READABLE_WIDTH = 100

/** Text for stderr, broken between words where a terminal would break within them. Elsewhere lines stay whole, for `grep`. */
export function wrapped(text: string, indent: string): string {
  const { isTTY, columns } = process.stderr
  const width = isTTY ? Math.min(columns, READABLE_WIDTH) : Number.POSITIVE_INFINITY
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = indent
    for (const word of paragraph.split(' ')) {
      if (line !== indent && line.length + 1 + word.length > width) {
        lines.push(line)
        line = indent
      }
      line += line === indent ? word : ` ${word}`
    }
    lines.push(line)
  }
  return lines.join('\n')
}
