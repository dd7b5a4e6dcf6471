import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RedshiftLogin } from '../../index.js'
import { checkUser, environmentUser } from '../../pg/user.js'
import { addressOf } from './address.js'
import type { LoginSource } from './source.js'

/** What libpq needs to connect. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly database: string | undefined
  readonly user: string
  readonly password: string
  /** The path of a file with certificates, or libpq's keyword `system`. */
  readonly rootCertificates: string
}

/** Amazon's root certificates, which are part of the package. */
export const AMAZON_ROOTS = fileURLToPath(new URL('./amazon-roots.pem', import.meta.url))

/** The certificates to verify the cluster with. `--ca-bundle` is only for AWS's endpoint, as in the AWS CLI. */
function rootCertificates(): string {
  const path = process.env.PGSSLROOTCERT || AMAZON_ROOTS
  // The command may run in another folder.
  return path === 'system' ? path : resolve(path)
}

/**
 * Adds the address to a login. It is looked up if no host is given.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH` if `PGUSER` names another IAM user, as for a client of the library
 */
export async function connectionOf(
  { redshift }: LoginSource,
  login: RedshiftLogin,
  database: string | undefined,
): Promise<Connection> {
  checkUser(environmentUser(redshift.connectionOptions()), login)
  // The address does not depend on the database, but one must be named.
  const { host, port } = await addressOf(redshift, database ?? 'dev')
  const { user, password } = login
  // Certificates do not contain the trailing dot of a DNS name.
  return { host: host.replace(/\.$/, ''), port, database, user, password, rootCertificates: rootCertificates() }
}

/** Variables that override the others in libpq, such as those of a service. */
export const OVERRIDING_VARIABLES = ['PGSERVICE', 'PGSERVICEFILE', 'PGPASSFILE', 'PGREQUIRESSL']

/** The environment variables that libpq reads. */
export function libpqVariables(connection: Connection): Record<string, string> {
  const { host, port, database, user, password } = connection
  return {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database ?? '',
    PGUSER: user,
    PGPASSWORD: password,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: connection.rootCertificates,
  }
}

export const CONNECTION_FORMATS = ['env', 'url', 'pgpass'] as const
export type ConnectionFormat = (typeof CONNECTION_FORMATS)[number]

export function formatConnection(kind: ConnectionFormat, connection: Connection): string {
  switch (kind) {
    case 'env':
      return exportScript(libpqVariables(connection), OVERRIDING_VARIABLES)
    case 'url':
      return `${urlOf(connection)}\n`
    case 'pgpass':
      return `${pgpassLine(connection)}\n`
  }
}

/** A script that sets and unsets variables, for `eval` in a POSIX shell. */
export const exportScript = (set: Readonly<Record<string, string>>, unset: readonly string[]): string =>
  Object.entries(set)
    .map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`)
    .concat(`unset ${unset.join(' ')}\n`)
    .join('')

const quoteForShell = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`

// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
function urlOf({ host, port, database, user, password, rootCertificates }: Connection): string {
  const path = encodeURIComponent(database ?? '')
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(rootCertificates)}`
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return `postgresql://${login}@${isIPv6(host) ? `[${host}]` : host}:${port}/${path}?${query}`
}

// https://www.postgresql.org/docs/current/libpq-pgpass.html: colons and backslashes in a field are escaped.
const pgpassLine = ({ host, port, database, user, password }: Connection): string =>
  [host, String(port), database ?? '*', user, password].map(field => field.replace(/[\\:]/g, '\\$&')).join(':')
