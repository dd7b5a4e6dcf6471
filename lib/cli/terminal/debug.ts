let isOn = false

/** From now on, `--debug` was given. */
export function turnDebugOn(): void {
  isOn = true
}

/** A line of `--debug`: nothing without it. */
export function debugLine(line: string): void {
  if (isOn) process.stderr.write(`debug: ${line}\n`)
}

/** Where an error comes from, for `--debug` only. */
export function debugError(error: unknown): void {
  if (error instanceof Error) debugLine(error.stack ?? error.message)
}
