import { RedshiftCredentialsError } from '../errors.js'

/** A name or code that contains no secret. Names come from responses, which may be broken. */
const PLAIN_NAME = /^(?!AKIA|ASIA)[A-Za-z][A-Za-z_]{2,38}$/

/** The name and code of an error, for a message. Its own message may contain secrets. */
function namesOf(error: unknown): string {
  const { name, code } = Object(error) as { name?: unknown; code?: unknown }
  const names = [name, code].filter(text => typeof text === 'string' && PLAIN_NAME.test(text))
  return names.length > 0 ? ` (${names.join(' ')})` : ''
}

/**
 * The error of a failure if the code that explains failures cannot be loaded: a file is missing, or this process has too many open files.
 * @param obstacle why it cannot be loaded
 */
export const unexplainedError = (error: unknown, action: string, obstacle: unknown): RedshiftCredentialsError =>
  error instanceof RedshiftCredentialsError
    ? error
    : new RedshiftCredentialsError(
        'ERR_REDSHIFT_UNAVAILABLE',
        `${action} failed${namesOf(error)}, and a file of pg-redshift-iam that explains failures could not be loaded${namesOf(obstacle)}. ` +
          'Check that the package is complete, and raise the limit of open files if the process has reached it.',
        { cause: obstacle },
      )
