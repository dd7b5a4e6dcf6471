import { printable } from '../../errors.js'
import type { RedshiftPgClient } from '../../index.js'
import { codeOf, StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import type { Finding } from './finding.js'
import type { ServerAddress } from './network.js'

const TIMEOUT_MILLIS = 15_000

/** The remedies for errors of the server, by SQLSTATE. */
const REMEDIES: Readonly<Record<string, string>> = {
  '42704': 'Create the database user, or give --auto-create and allow redshift:CreateClusterUser in the IAM policy.',
  '3D000': 'Correct --db-name or PGDATABASE to a name that the console shows.',
  '42501': 'Grant the user the privilege, with its full name in quotes: GRANT … TO "IAMR:analyst".',
  '53300': 'Close idle sessions, or make the pools smaller: the cluster allows no more connections.',
  '57P03': 'Try again in a moment: the cluster is starting or being restored.',
}

function remedyFor(code: string | undefined, message: string): string {
  // The same SQLSTATE covers users and parameters.
  const parameter = code === '42704' ? /configuration parameter "([^"]+)"/.exec(message)?.[1] : undefined
  if (parameter !== undefined)
    return `Remove the parameter from ${process.env.PGOPTIONS?.includes(parameter) ? 'PGOPTIONS' : 'PGOPTIONS, or from where it is set'}: Redshift does not have it.`
  return REMEDIES[code ?? ''] ?? 'Look at the log of the server (STL_CONNECTION_LOG).'
}

/** Logs in with the library's client. */
export async function logIn(
  { source, database }: CheckedAws,
  { host, hostAddress, port }: ServerAddress,
  ca: string | undefined,
): Promise<Finding & { client: RedshiftPgClient }> {
  const { RedshiftPgClient } = await import('../../index.js')
  const client = new RedshiftPgClient({
    host: hostAddress ?? host,
    port,
    database,
    ssl: { ...(hostAddress !== undefined && { servername: host }), ...(ca !== undefined && { ca }) },
    connectionTimeoutMillis: TIMEOUT_MILLIS,
    query_timeout: TIMEOUT_MILLIS,
    redshift: source.redshift,
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw explainServerError('The login failed', error)
  }
  return {
    summary: `logged in to database ${database} ${client.user ? `as ${client.user}` : 'with the token'}`,
    details: { database, user: client.user },
    client,
  }
}

/** Queries the current user and the version of the server. */
export async function queryServer(client: RedshiftPgClient): Promise<Finding> {
  try {
    const { rows } = await client.query('SELECT current_user::text AS name, version() AS version')
    const { name, version } = rows[0] as { name: string; version: string }
    const server = /Redshift [\d.]+/.exec(version)?.[0] ?? /^\S+ \S+/.exec(version)?.[0] ?? version
    return { summary: `current_user is ${name}, the server ${server}`, details: { currentUser: name, version } }
  } catch (error) {
    throw explainServerError('The first query failed', error)
  }
}

/** Adds a remedy to errors of the server and of pg. Errors of the library have one. */
function explainServerError(failure: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code?.startsWith('ERR_REDSHIFT_')) return error
  const message = printable(error instanceof Error ? error.message : String(error))
  // An error of the server has a SQLSTATE, also if it is about a timeout there.
  if (code === undefined && /timeout/i.test(message))
    return new StepError(
      'ETIMEDOUT',
      `${failure}: the server did not respond within ${TIMEOUT_MILLIS / 1_000} s. Try again, and look at its state in the console: it may be overloaded or resuming.`,
      { cause: error },
    )
  return new StepError(code ?? 'NO_SESSION', `${failure}: ${message}. ${remedyFor(code, message)}`, { cause: error })
}
