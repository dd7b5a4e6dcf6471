import { type Command, InvalidArgumentError, Option } from 'commander'
import type { EmulatorOptions } from '../../emulator/index.js'
import { names, text, whole } from '../flags.js'
import { turnDebugOn } from '../terminal/debug.js'
import { UsageError } from '../terminal/failure.js'
import { type FaultRequest, faultOfFlag } from './fault.js'

/** The flags of `emulate`. Those of the emulator have the names of its options. */
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
}

export function addEmulateFlags(command: Command): Command {
  return command
    .option('--hosts <names...>', '', names)
    .option('--custom-domains <name=target...>', '', names)
    .option('--databases <names...>', '', names)
    .option('--users <names...>', '', names)
    .option('--identity <user>')
    .option('--lifetime-seconds <seconds>', '', whole)
    .option('--next-refresh-seconds <seconds>', '', value => (value === 'none' ? value : whole(value)))
    .option('--same-password-seconds <seconds>', '', whole)
    .addOption(new Option('--authentication <method>').choices(['cleartext', 'md5', 'digest']))
    .option('--redshift-dialect')
    .option('--postgres <url>', '', postgresUrl)
    .option('--port <number>', '', port)
    .option('--aws-port <number>', '', port)
    .addOption(new Option('--listen-address <address>').choices(['127.0.0.1', '0.0.0.0']))
    .option('--fail <fault>', '', (value, before: FaultRequest[] = []) => [...before, faultOfFlag(value)])
    .option('--control')
    .option('--control-port <number>', '', port)
    .option('--json')
    .option('--debug')
    .on('option:debug', turnDebugOn)
}

/** The emulator's options for a command line. The password of an own PostgreSQL comes from `PGPASSWORD`. */
export function emulatorOptions(flags: EmulateFlags, env: NodeJS.ProcessEnv): EmulatorOptions {
  const { customDomains, nextRefreshSeconds, postgres, fail: _, control: _control, ...others } = flags
  const { controlPort: _port, json: _json, ...options } = others
  return {
    ...options,
    ...(nextRefreshSeconds !== undefined && {
      nextRefreshSeconds: nextRefreshSeconds === 'none' ? null : nextRefreshSeconds,
    }),
    ...(customDomains && { customDomains: Object.fromEntries(customDomains.map(domainAndTarget)) }),
    ...(postgres !== undefined && { postgres: withPassword(postgres, env.PGPASSWORD) }),
  }
}

function port(value: string): number {
  const number = whole(value)
  if (number < 1 || number > 65_535) throw new InvalidArgumentError('A port is a number from 1 to 65535.')
  return number
}

function postgresUrl(value: string): string {
  const url = text(value)
  // It may hold a password: commander's own error would show it.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol))
    throw new UsageError(
      '--postgres is not a PostgreSQL URL. Write it as postgres://postgres@127.0.0.1:5432/postgres, with the password in PGPASSWORD.',
    )
  // A file's content is seen by nobody.
  if (url === value && new URL(url).password !== '')
    throw new UsageError(
      'The URL of --postgres holds a password, which every user of this machine can read. Set PGPASSWORD instead.',
    )
  return url
}

function withPassword(url: string, password: string | undefined): string {
  const parsed = new URL(url)
  if (parsed.password === '' && password) parsed.password = encodeURIComponent(password)
  return parsed.href
}

function domainAndTarget(pair: string): [domain: string, target: string] {
  const [, domain = '', target = ''] = /^([^=]+)=([^=]+)$/.exec(pair) ?? []
  if (domain === '')
    throw new UsageError(`--custom-domains holds ${JSON.stringify(pair)}. Write it as db.example.com=examplecluster.`)
  return [domain, target]
}
