let isEnabled = false

/** Called for the flag `--debug`. */
export function enableDebug(): void {
  isEnabled = true
}

/** Prints a line if `--debug` is set. */
export function debugLine(line: string): void {
  if (isEnabled) process.stderr.write(`debug: ${line}\n`)
}

/** Prints the stack of an error if `--debug` is set. */
export function debugError(error: unknown): void {
  if (error instanceof Error) debugLine(error.stack ?? error.message)
}
