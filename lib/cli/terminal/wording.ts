import { SET_API, SHARE_LOGINS } from '../../aws/failures.js'
import type { RedshiftCredentialsError } from '../../index.js'

/** Options of the library that have a flag of another spelling. Plain words such as host are left to the reader. */
const FLAGS: Readonly<Record<string, string>> = {
  clusterIdentifier: '--cluster-identifier',
  workgroupName: '--workgroup-name',
  customDomainName: '--custom-domain-name',
  dbUser: '--db-user',
  dbName: '--db-name',
  dbGroups: '--db-groups',
  autoCreate: '--auto-create',
  durationSeconds: '--duration-seconds',
  fetchTimeoutMillis: '--cli-read-timeout',
  'aws.requestHandler': '--cli-connect-timeout and --cli-read-timeout',
}

/** What a person at a terminal can do where the library's remedy is for a program. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  [SET_API, 'Name a database user by --db-user, or leave --db-user out: that asks for the login by another operation.'],
  [SHARE_LOGINS, 'Try again in a minute; if other programs here ask AWS once per connection, let them share a login.'],
])

const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'] as const

/** The message of an error of the library, as it helps a person at a terminal. */
export function inFlags(error: RedshiftCredentialsError): string {
  const { message, remedy = '' } = error
  const other = REMEDIES.get(remedy)
  const advised = other === undefined ? message : `${message.slice(0, -remedy.length)}${other}`
  const flagged = advised
    .replace(/redshift: \{ (\w+): (.+?) \}/g, '$1 $2')
    .replace(/\baws\.requestHandler\b|\b[a-z]+[A-Z]\w*\b/g, word => FLAGS[word] ?? word)
  const proxy = PROXIES.find(name => process.env[name])
  return proxy !== undefined && isUnreached(error)
    ? `${flagged} ${proxy} is set, but not read: AWS is called directly.`
    : flagged
}

/** Nothing came back: Node's own code is in the cause, and a time-out has one of ours. */
const isUnreached = ({ code, cause }: RedshiftCredentialsError): boolean =>
  code === 'ERR_REDSHIFT_TIMEOUT' ||
  (code === 'ERR_REDSHIFT_UNAVAILABLE' && cause instanceof Error && 'code' in cause && cause.code !== undefined)
