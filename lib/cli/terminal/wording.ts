import { SET_API, SHARE_LOGINS } from '../../aws/failures.js'
import type { RedshiftCredentialsError } from '../../index.js'

/** The flags for the options that messages name. */
const FLAGS: Readonly<Record<string, string>> = {
  host: '--host',
  port: '--port',
  region: '--region',
  database: '--db-name',
  clusterIdentifier: '--cluster-identifier',
  workgroupName: '--workgroup-name',
  customDomainName: '--custom-domain-name',
  dbUser: '--db-user',
  dbName: '--db-name',
  dbGroups: '--db-groups',
  autoCreate: '--auto-create',
  durationSeconds: '--duration-seconds',
  fetchTimeoutMillis: '--cli-read-timeout',
  'aws.endpoint': '--endpoint-url',
  'aws.region': '--region',
  'aws.requestHandler': '--cli-connect-timeout and --cli-read-timeout',
}

/** The variables that options were read from. Messages name them instead of the flags. */
const variables = new Map<string, string>()

/** Reads a variable because the flag of the option is not given. An empty one counts as missing, as in libpq. */
export function readVariable(option: string, name: string): string | undefined {
  const value = process.env[name] || undefined
  if (value !== undefined) variables.set(option, name)
  return value
}

/** Matches quoted values, options in camelCase, and those that are also English words, except as in `the host` and `host name`. */
const OPTIONS =
  /"(?:[^"\\]|\\.)*"|\baws\.[a-z]\w+|\b[a-z]+[A-Z]\w*|(?<!\b(?:a|every|its|no|own|that|the|this|without) )\b(?:host|port|region|database)\b(?! name)(?: \(option\))?/g

/** Remedies for a program, and what a person at a terminal can do instead. */
export const REMEDIES: ReadonlyMap<string, string> = new Map([
  [SET_API, 'Name a database user by --db-user, or leave --db-user out: that requests the login by another operation.'],
  [SHARE_LOGINS, 'Try again in a minute. If programs here call AWS once per connection, let them share a login.'],
])

/** The variables that name a proxy for most programs, but not for the AWS SDK for JavaScript. */
export const PROXY_VARIABLES = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
] as const

/** The message of an error of the library, with flags and remedies for a person at a terminal. */
export function messageWithFlags(error: RedshiftCredentialsError): string {
  const { message, remedy = '' } = error
  const replacement = REMEDIES.get(remedy)
  const advice = withFlags(replacement === undefined ? message : `${message.slice(0, -remedy.length)}${replacement}`)
  const proxy = PROXY_VARIABLES.find(name => process.env[name])
  return proxy !== undefined && isUnreachable(error)
    ? `${advice} ${proxy} is set, but not used: AWS is called directly.`
    : advice
}

function withFlags(message: string): string {
  const text = message
    .replace(/redshift: \{ (\w+): (.+?) \}/g, '$1 $2')
    // Commands that connect to the database do not request a login for every database.
    .replace(/^(database .*), or set dbName: null .*\./s, '$1.')
    .replace(/\bset (\w+): null\b/g, 'leave $1 out')
    // No flag sets this option. The user is that of PGUSER.
    .replace(/^user\b|(?<=\b(?:set|leave) )user\b/gi, 'PGUSER')
  const [remedy] = /\b(?:check|give|leave|set|unset)\b.*/is.exec(text) ?? ['']
  const remedyAt = text.length - remedy.length
  const named = text.replace(OPTIONS, (found, offset: number) => {
    const option = found.replace(' (option)', '')
    const flag = variables.get(option) ?? FLAGS[option]
    if (flag === undefined) return found
    // `host` and the like are options at the start of a message and in its remedy. Elsewhere they are English words.
    const isOption = /[A-Z.]/.test(option) || option !== found || offset === 0 || offset >= remedyAt
    return isOption ? flag : found
  })
  return named.replace(/\bleave (PG[A-Z]+) out\b/g, 'unset $1').replace(/\bLeave (PG[A-Z]+) out\b/g, 'Unset $1')
}

/** AWS did not respond: the cause has a code of Node.js, or the library's own timeout has expired. */
const isUnreachable = ({ code, cause }: RedshiftCredentialsError): boolean =>
  code === 'ERR_REDSHIFT_TIMEOUT' ||
  (code === 'ERR_REDSHIFT_UNAVAILABLE' && cause instanceof Error && 'code' in cause && cause.code !== undefined)
