import { isAsking } from './question.js'
import { terminalWidth } from './wrap.js'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const INTERVAL_MILLIS = 100

/** Shows on stderr what the command waits for, and how long. Shows nothing without a terminal, or while a question is asked. */
export class Spinner {
  #timer: NodeJS.Timeout | undefined
  #isShown = false

  /** Nothing is shown until the first interval has passed, so that short waits do not flicker. */
  start(label: string): void {
    this.stop()
    const { stderr } = process
    if (!stderr.isTTY) return
    const start = Date.now()
    const show = (): void => {
      if (isAsking()) return
      const waited = Date.now() - start
      const frame = FRAMES[Math.floor(waited / INTERVAL_MILLIS) % FRAMES.length]
      const line = `${frame} ${label} … ${Math.floor(waited / 1_000)} s`
      stderr.cursorTo(0)
      stderr.clearLine(1)
      // A longer line would wrap, and only its last part would be cleared.
      stderr.write(line.slice(0, terminalWidth(stderr) - 1))
      this.#isShown = true
    }
    this.#timer = setInterval(show, INTERVAL_MILLIS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (!this.#isShown) return
    process.stderr.cursorTo(0)
    process.stderr.clearLine(1)
    this.#isShown = false
  }
}
