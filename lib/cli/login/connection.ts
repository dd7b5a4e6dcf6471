import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RedshiftLogin } from '../../index.js'
import { addressOf } from './address.js'
import type { LoginSource } from './login.js'

/** What libpq needs to log in. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly database: string | undefined
  readonly user: string
  readonly password: string
  /** A file of certificates, or libpq's word `system`. */
  readonly rootCertificates: string
}

/** Amazon's root certificates, as they come with the package. */
export const AMAZON_ROOTS = fileURLToPath(new URL('./amazon-roots.pem', import.meta.url))

/** The certificates to verify the cluster with. `--ca-bundle` is for AWS's endpoint, as in the AWS CLI. */
function rootCertificates(): string {
  const path = process.env.PGSSLROOTCERT || AMAZON_ROOTS
  // It may be read in another folder than this.
  return path === 'system' ? path : resolve(path)
}

/** A login with its address, which is looked up where no host is given. */
export async function connectionOf(
  { redshift }: LoginSource,
  login: RedshiftLogin,
  database: string | undefined,
): Promise<Connection> {
  // Which database does not matter for an address, but pg's own fallback is refused.
  const { host, port } = await addressOf(redshift, database ?? 'dev')
  const { user, password } = login
  // A trailing dot is of DNS: no certificate has it.
  return { host: host.replace(/\.$/, ''), port, database, user, password, rootCertificates: rootCertificates() }
}

/** Variables that would lead libpq elsewhere: a service's settings win over the others. */
export const MISLEADING = ['PGSERVICE', 'PGSERVICEFILE', 'PGPASSFILE', 'PGREQUIRESSL']

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
      return exports(libpqVariables(connection), MISLEADING)
    case 'url':
      return `${urlOf(connection)}\n`
    case 'pgpass':
      return `${pgpassLine(connection)}\n`
  }
}

/** For `eval` in any POSIX shell. */
export const exports = (set: Readonly<Record<string, string>>, unset: readonly string[]): string =>
  Object.entries(set)
    .map(([name, value]) => `export ${name}=${shellWord(value)}\n`)
    .concat(`unset ${unset.join(' ')}\n`)
    .join('')

const shellWord = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`

// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
function urlOf({ host, port, database, user, password, rootCertificates }: Connection): string {
  const path = encodeURIComponent(database ?? '')
  const query = `sslmode=verify-full&sslrootcert=${encodeURIComponent(rootCertificates)}`
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return `postgresql://${login}@${isIPv6(host) ? `[${host}]` : host}:${port}/${path}?${query}`
}

// https://www.postgresql.org/docs/current/libpq-pgpass.html: a colon or a backslash within a field is escaped.
const pgpassLine = ({ host, port, database, user, password }: Connection): string =>
  [host, String(port), database ?? '*', user, password].map(field => field.replace(/[\\:]/g, '\\$&')).join(':')
