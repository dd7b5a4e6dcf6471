import { printable } from '../../errors.js'
import type { RedshiftPgClient } from '../../index.js'
import { codeOf, StepError } from '../terminal/failure.js'
import type { CheckedAws } from './aws-steps.js'
import type { Finding } from './finding.js'
import type { ServerAddress } from './network.js'

const TIMEOUT_MILLIS = 15_000

/** What helps where the server itself refuses, by SQLSTATE. */
const REMEDIES: Readonly<Record<string, string>> = {
  '42704':
    'Create the database user, or give --auto-create, for which the policy must allow redshift:CreateClusterUser.',
  '3D000': 'Check --db-name or PGDATABASE: the names of databases are as the console shows them.',
  '42501': 'Grant the user what it needs, with its whole name in quotes: GRANT … TO "IAMR:analyst".',
  '53300': 'The cluster has no connection left. Close idle sessions, or lower the size of the pools.',
  '57P03': 'The cluster starts or restores. Try again in a moment.',
}

function remedyFor(code: string | undefined, said: string): string {
  // One SQLSTATE for everything that does not exist.
  const parameter = code === '42704' ? /configuration parameter "([^"]+)"/.exec(said)?.[1] : undefined
  if (parameter !== undefined)
    return `Redshift does not have this parameter: take it out of ${process.env.PGOPTIONS?.includes(parameter) ? 'PGOPTIONS' : 'PGOPTIONS or what else sets it'}.`
  return REMEDIES[code ?? ''] ?? 'See the message of the server, and its log (STL_CONNECTION_LOG).'
}

/** Logs in as the library's clients do, with the login that was fetched. */
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
    throw refused('The login failed', error)
  }
  return {
    text: `logged in to database ${database} ${client.user ? `as ${client.user}` : 'with the token'}`,
    details: { database, user: client.user },
    client,
  }
}

/** Asks the server who is logged in, and what it is. */
export async function queryServer(client: RedshiftPgClient): Promise<Finding> {
  try {
    const { rows } = await client.query('SELECT current_user::text AS name, version() AS version')
    const { name, version } = rows[0] as { name: string; version: string }
    const server = /Redshift [\d.]+/.exec(version)?.[0] ?? /^\S+ \S+/.exec(version)?.[0] ?? version
    return { text: `current_user is ${name}, the server ${server}`, details: { currentUser: name, version } }
  } catch (error) {
    throw refused('The first query failed', error)
  }
}

/** Errors of the library say what mends them; those of the server and of pg do not. */
function refused(what: string, error: unknown): unknown {
  const code = codeOf(error)
  if (code?.startsWith('ERR_REDSHIFT_')) return error
  const said = printable(error instanceof Error ? error.message : String(error))
  if (/timeout/i.test(said))
    return new StepError(
      'ETIMEDOUT',
      `${what}: the server has not answered within ${TIMEOUT_MILLIS / 1_000} s. It may be overloaded or resuming: try again, and look at its state in the console.`,
      { cause: error },
    )
  return new StepError(code ?? 'NO_SESSION', `${what}: ${said}. ${remedyFor(code, said)}`, { cause: error })
}
