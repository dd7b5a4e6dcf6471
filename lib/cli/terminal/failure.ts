import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RedshiftCredentialsError } from '../../index.js'
import { EXIT_CODES, exitCodeOf } from './exit-codes.js'
import { messageWithFlags } from './wording.js'

/** An invalid command line. Nothing was sent. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError'
  }

  readonly code = 'USAGE'
}

/** The failure of a step of `check`. The message ends with the remedy. */
export class StepError extends Error {
  static {
    StepError.prototype.name = 'StepError'
  }

  /** A code of the library, of Node.js, of OpenSSL, or a SQLSTATE. */
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const isLibraryCode = (code: string | undefined): code is string => code?.startsWith('ERR_REDSHIFT_') ?? false

/** Compares the name, because the library and the command line each have a copy of the class. */
const isLibraryError = (error: Error): error is RedshiftCredentialsError => error.name === 'RedshiftCredentialsError'

/** The message that a user reads. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return isLibraryError(error) ? messageWithFlags(error) : error.message
}

/** The exit code of the process after an error. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return EXIT_CODES.usage
  const code = codeOf(error)
  return isLibraryCode(code) ? exitCodeOf(code) : EXIT_CODES.failure
}

/** The path of a section of the package's troubleshooting page. This file is bundled into `dist/cli/main.js`. */
export function sectionAt(anchor: string): string {
  const page = fileURLToPath(new URL('../../docs/troubleshooting.md', import.meta.url))
  const path = relative(process.cwd(), page)
  return `${path.startsWith('..') ? page : path}#${anchor}`
}

/** The section about an error of the library or a wrong flag; undefined for any other error. */
export function sectionFor(error: unknown): string | undefined {
  if (error instanceof UsageError) return sectionAt('wrong-flags')
  const code = codeOf(error)
  return isLibraryCode(code) ? sectionAt(code.toLowerCase()) : undefined
}
