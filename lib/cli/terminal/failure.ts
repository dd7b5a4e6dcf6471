import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RedshiftCredentialsError } from '../../index.js'
import { EXIT_CODES, exitCodeOf } from './exit-codes.js'
import { inFlags } from './wording.js'

/** A command line that cannot be carried out as it stands. Nothing was sent. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError'
  }

  readonly code = 'USAGE'
}

/** What went wrong in a step of `check`. The message says the cause, and ends with the remedy. */
export class StepError extends Error {
  static {
    StepError.prototype.name = 'StepError'
  }

  /** A code of the library, of Node, of OpenSSL, or a SQLSTATE. */
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const hasLibraryCode = (code: string | undefined): code is string => code?.startsWith('ERR_REDSHIFT_') ?? false

/** By its name: the library and this command each have a copy of the class. */
const isFromLibrary = (error: Error): error is RedshiftCredentialsError => error.name === 'RedshiftCredentialsError'

/** What a user reads of an error: never its stack. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return isFromLibrary(error) ? inFlags(error) : error.message
}

/** What the process ends with after an error. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return EXIT_CODES.usage
  const code = codeOf(error)
  return hasLibraryCode(code) ? exitCodeOf(code) : EXIT_CODES.failure
}

/** Where the troubleshooting page of the package has a section. This file is built into `dist/cli/main.js`. */
export function sectionAt(anchor: string): string {
  const page = fileURLToPath(new URL('../../docs/troubleshooting.md', import.meta.url))
  const near = relative(process.cwd(), page)
  return `${near.startsWith('..') ? page : near}#${anchor}`
}

/** The section on an error of the library, or on wrong flags; undefined for any other. */
export function sectionFor(error: unknown): string | undefined {
  if (error instanceof UsageError) return sectionAt('wrong-flags')
  const code = codeOf(error)
  return hasLibraryCode(code) ? sectionAt(code.toLowerCase()) : undefined
}
