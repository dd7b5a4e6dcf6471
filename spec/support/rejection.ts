/** The error that a promise rejects with. Fails where it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`It rejected with ${String(error)}, not with an Error.`)
  }
  throw new Error('It did not reject.')
}
