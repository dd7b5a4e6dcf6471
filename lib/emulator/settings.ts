import { checkNames } from '../plain-object.js'
import { badOption } from './bad-option.js'
import { MAX_SECONDS } from './faults.js'
import type { EmulatorOptions } from './options.js'
import { Targets } from './targets.js'

const defaultHosts = [
  'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
  'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com',
]

/** The validated options, with their defaults. */
export interface Settings {
  readonly targets: Targets
  readonly databases: readonly string[]
  /** Undefined: every user exists. */
  readonly users: readonly string[] | undefined
  readonly identity: string
  readonly identities: Readonly<Record<string, string>>
  readonly person: string | null
  readonly people: Readonly<Record<string, string | null>>
  readonly lifetimeSeconds: number
  /** Undefined: when the login expires. Null: AWS returns none. */
  readonly nextRefreshSeconds: number | null | undefined
  readonly samePasswordSeconds: number
  readonly authentication: 'cleartext' | 'md5' | 'digest'
  readonly redshiftDialect: boolean
  readonly postgres: string | undefined
  /** 0: any free port. */
  readonly port: number
  readonly awsPort: number
  readonly listenAddress: string
}

const NAMES: Record<keyof EmulatorOptions, true> = {
  hosts: true,
  customDomains: true,
  databases: true,
  users: true,
  identity: true,
  identities: true,
  person: true,
  people: true,
  lifetimeSeconds: true,
  nextRefreshSeconds: true,
  samePasswordSeconds: true,
  authentication: true,
  redshiftDialect: true,
  postgres: true,
  port: true,
  awsPort: true,
  listenAddress: true,
}

export function readOptions(options: EmulatorOptions): Settings {
  checkNames('startRedshiftEmulator', options, Object.keys(NAMES))
  for (const option of ['hosts', 'databases', 'users'] as const) checkList(option, options[option])
  const hosts = options.hosts ?? defaultHosts
  if (hosts.length === 0)
    throw badOption('hosts', 'the list is empty. Name at least one host, or leave the option out.')
  const databases = options.databases ?? ['dev']
  if (databases.length === 0)
    throw badOption('databases', 'the list is empty. Name at least one database, or leave the option out.')
  const identity = options.identity ?? 'IAMR:analyst'
  if (identity === '') throw badOption('identity', 'the name is empty. Name a user, or leave the option out.')
  const lifetimeSeconds = options.lifetimeSeconds ?? Number.POSITIVE_INFINITY
  if (!(lifetimeSeconds >= 5))
    throw badOption('lifetimeSeconds', `${lifetimeSeconds} is not at least 5. Set it to 5 or more.`, RangeError)
  const samePasswordSeconds = options.samePasswordSeconds ?? 0
  if (!(samePasswordSeconds >= 0))
    throw badOption('samePasswordSeconds', `${samePasswordSeconds} is not at least 0. Set it to 0 or more.`, RangeError)
  const { nextRefreshSeconds } = options
  if (nextRefreshSeconds !== undefined && nextRefreshSeconds !== null && !(Math.abs(nextRefreshSeconds) <= MAX_SECONDS))
    throw badOption(
      'nextRefreshSeconds',
      `${nextRefreshSeconds} is not between -${MAX_SECONDS} and ${MAX_SECONDS}. Correct it, or leave the option out.`,
      RangeError,
    )
  const authentication = options.authentication ?? 'cleartext'
  if (authentication !== 'cleartext' && authentication !== 'md5' && authentication !== 'digest') {
    throw badOption(
      'authentication',
      `"${String(authentication)}" is not an authentication method. Use "cleartext", "md5" or "digest".`,
    )
  }
  const listenAddress = options.listenAddress ?? '127.0.0.1'
  if (listenAddress !== '127.0.0.1' && listenAddress !== '0.0.0.0') {
    throw badOption('listenAddress', `"${String(listenAddress)}" is not supported. Use "127.0.0.1" or "0.0.0.0".`)
  }
  return {
    targets: new Targets(hosts, options.customDomains ?? {}),
    databases,
    users: options.users,
    identity,
    identities: options.identities ?? {},
    person: options.person === undefined ? 'alice@example.com' : options.person,
    people: options.people ?? {},
    lifetimeSeconds,
    nextRefreshSeconds,
    samePasswordSeconds,
    authentication,
    redshiftDialect: options.redshiftDialect ?? false,
    postgres: options.postgres,
    port: readPort('port', options.port),
    awsPort: readPort('awsPort', options.awsPort),
    listenAddress,
  }
}

/** A string would count as a list of its letters. */
function checkList(option: string, value: unknown): void {
  if (value === undefined) return
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string' && name !== ''))
    throw badOption(option, 'it is not a list of names. Set it to an array of strings that are not empty.')
}

function readPort(name: string, port: number | undefined): number {
  if (port === undefined) return 0
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw badOption(name, `${port} is not a port number. Use a whole number from 1 to 65535.`, RangeError)
  }
  return port
}
