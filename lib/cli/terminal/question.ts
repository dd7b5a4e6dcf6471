import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** The number of questions that wait for input. */
let pending = 0

export const isAsking = (): boolean => pending > 0

/** Whether a person can read a question and type the answer. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks a question on stderr, and does not show what is typed. Ctrl-C ends the process, and Ctrl-D the input. */
export async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  pending += 1
  // Over the spinner's line.
  stderr.cursorTo(0)
  stderr.clearLine(1)
  stderr.write(question)
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: hidden, terminal: true })
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    for await (const line of lines) return line
    return ''
  } finally {
    lines.close()
    stderr.write('\n')
    pending -= 1
  }
}
