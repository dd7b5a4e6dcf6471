import { expect } from 'chai'
import type { RedshiftCredentialsError, RedshiftErrorCode } from '../../lib/index.js'

/** The error that a promise rejects with. Fails if it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`It rejected with ${String(error)}, not with an Error.`)
  }
  throw new Error('It did not reject.')
}

/** The error that a function throws. Fails if it does not throw. */
export function thrownBy(run: () => unknown): Error & { code?: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`It threw ${String(error)}, not an Error.`)
  }
  throw new Error('It did not throw.')
}

/** The facts that specs check. The wording of a message is not one of them, and may change. */
export interface Expected {
  readonly code: RedshiftErrorCode
  /** The facts that the message contains for a user: options, variables, values, ARNs, commands. */
  readonly names?: readonly string[]
  /** What the message must not contain: secrets, and facts that belong to another error with the same code. */
  readonly omits?: readonly string[]
}

/** Expects an error of this package with a code, and the facts in its message as whole tokens. Returns the error. */
export function expectError(error: unknown, { code, names = [], omits = [] }: Expected): RedshiftCredentialsError {
  // By name, since it may come from another copy of the package.
  expect(error).to.be.instanceOf(Error).with.property('name', 'RedshiftCredentialsError')
  const found = error as RedshiftCredentialsError
  expect(found.code, found.message).to.equal(code)
  for (const name of names) expect(hasToken(found.message, name), `${name} is in: ${found.message}`).to.equal(true)
  for (const name of omits) expect(found.message).not.to.include(name)
  // One line of complete sentences, with every placeholder filled.
  expect(found.message)
    .to.match(/^[^\n]*[.`]$/)
    .and.not.match(/ {2}|\.\.( |$)|: \.|\[object/)
  return found
}

/** Whether a string contains a token that is not part of a longer one: `region` is not in `aws.region`. */
function hasToken(text: string, token: string): boolean {
  const escaped = token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<![\\w.-])${escaped}(?![\\w-]|\\.\\w)`).test(text)
}
