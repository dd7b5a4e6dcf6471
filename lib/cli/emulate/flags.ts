import { type Command, InvalidArgumentError, Option } from 'commander'
import type { EmulatorOptions } from '../../emulator/index.js'
import { parseInteger, parseNames, valueOrFile } from '../flags.js'
import { enableDebug } from '../terminal/debug.js'
import { UsageError } from '../terminal/failure.js'
import { type FaultRequest, parseFault } from './fault.js'

/** The flags of `emulate`. Most have the names of the emulator's options. */
export interface EmulateFlags {
  hosts?: string[]
  customDomains?: string[]
  databases?: string[]
  users?: string[]
  identity?: string
  lifetimeSeconds?: number
  nextRefreshSeconds?: number | 'none'
  samePasswordSeconds?: number
  authentication?: 'cleartext' | 'md5' | 'digest'
  redshiftDialect?: boolean
  postgres?: string
  port?: number
  awsPort?: number
  listenAddress?: '127.0.0.1' | '0.0.0.0'
  fail?: FaultRequest[]
  control?: boolean
  controlPort?: number
  json?: boolean
  debug?: boolean
}

export function addEmulateFlags(command: Command): Command {
  return command
    .option('--hosts <names...>', '', parseNames)
    .option('--custom-domains <name=target...>', '', parseNames)
    .option('--databases <names...>', '', parseNames)
    .option('--users <names...>', '', parseNames)
    .option('--identity <user>')
    .option('--lifetime-seconds <seconds>', '', parseInteger)
    .option('--next-refresh-seconds <seconds>', '', value => (value === 'none' ? value : parseInteger(value)))
    .option('--same-password-seconds <seconds>', '', parseInteger)
    .addOption(new Option('--authentication <method>').choices(['cleartext', 'md5', 'digest']))
    .option('--redshift-dialect')
    .option('--postgres <url>', '', parsePostgresUrl)
    .option('--port <number>', '', parsePort)
    .option('--aws-port <number>', '', parsePort)
    .addOption(new Option('--listen-address <address>').choices(['127.0.0.1', '0.0.0.0']))
    .option('--fail <fault>', '', (value, previous: FaultRequest[] = []) => [...previous, parseFault(value)])
    .option('--control')
    .option('--control-port <number>', '', parsePort)
    .option('--json')
    .option('--debug')
    .on('option:debug', enableDebug)
}

/** Returns the emulator's options for the flags. The password for `--postgres` is in `PGPASSWORD`. */
export function emulatorOptions(flags: EmulateFlags, env: NodeJS.ProcessEnv): EmulatorOptions {
  const { hosts, databases, users, identity, lifetimeSeconds, samePasswordSeconds, authentication } = flags
  const { redshiftDialect, port, awsPort, listenAddress, customDomains, nextRefreshSeconds, postgres } = flags
  return {
    hosts,
    databases,
    users,
    identity,
    lifetimeSeconds,
    samePasswordSeconds,
    authentication,
    redshiftDialect,
    port,
    awsPort,
    listenAddress,
    ...(nextRefreshSeconds !== undefined && {
      nextRefreshSeconds: nextRefreshSeconds === 'none' ? null : nextRefreshSeconds,
    }),
    ...(customDomains && { customDomains: Object.fromEntries(customDomains.map(parseDomain)) }),
    ...(postgres !== undefined && { postgres: withPassword(postgres, env.PGPASSWORD) }),
  }
}

function parsePort(value: string): number {
  const number = parseInteger(value)
  if (number < 1 || number > 65_535) throw new InvalidArgumentError('Give a port from 1 to 65535.')
  return number
}

function parsePostgresUrl(value: string): string {
  const url = valueOrFile(value)
  // An InvalidArgumentError would show the value, which may contain a password.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol))
    throw new UsageError(
      '--postgres is not a PostgreSQL URL. Write it as postgres://postgres@127.0.0.1:5432/postgres, with the password in PGPASSWORD.',
    )
  // Other users cannot see the content of a file.
  if (url === value && new URL(url).password !== '')
    throw new UsageError(
      'The URL of --postgres contains a password, which every user of this machine can read. Set PGPASSWORD instead.',
    )
  return url
}

function withPassword(url: string, password: string | undefined): string {
  const parsed = new URL(url)
  if (parsed.password === '' && password) parsed.password = encodeURIComponent(password)
  return parsed.href
}

function parseDomain(pair: string): [domain: string, target: string] {
  const [, domain = '', target = ''] = /^([^=]+)=([^=]+)$/.exec(pair) ?? []
  if (domain === '')
    throw new UsageError(
      `--custom-domains contains ${JSON.stringify(pair)}. Write it as db.example.com=examplecluster.`,
    )
  return [domain, target]
}
